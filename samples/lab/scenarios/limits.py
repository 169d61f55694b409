# SPDX-License-Identifier: GPL-2.0-or-later
"""Who counts connections, and who knows addresses: rate limits and bans."""
from functools import partial

from blocks import endpoint
from crowd import BODY, BROWSER, PHONE, Service, crowd, ill, more_clients, tls_server, visit, well
from idle import nginx
from lab import pause, scenario
from peers import GET, receive
from proxies import haproxy

REFUSED_ALONE = ["firewall-reject", "port-closed", "unknown"]
# A device that refuses may look like the host, like a firewall or like a forger.
DEVICE_ALONE = REFUSED_ALONE + ["injected", "no-socket", "state-expired"]
SERVER_ALONE = ["abortive-close", "unread-data", "unknown"]
TCP_RESET = ("-j", "REJECT", "--reject-with", "tcp-reset")


def everyone_else(lab, addresses, count, port=80, client=None):
    return [partial(visit, lab, port, client, client_ip=a) for a in addresses for _ in range(count)]


def split(seen):
    """Visits that went well, and those that did not."""
    good = [v for v in seen if v.result == "ok"]
    return good, [v for v in seen if v.result != "ok"]


def refuse(lab, seen, cause, by, **options):
    """These SYNs were answered by a firewall, the server's or the router's."""
    for v in ill(seen, "refused"):
        lab.reset(v.conn, "server", "refused-handshake", cause, "refused",
                  sender="middlebox" if by == "router" else "server", trigger="syn",
                  also={"sender": ["unknown", "server"]} if by == "router" else {},
                  alone=DEVICE_ALONE if by == "router" else REFUSED_ALONE, **options)


# Bans


def ban(lab, host, chain, address, server=None):
    """An ipset of banned addresses, as fail2ban and its kin keep it. `server`: only there."""
    name = f"banned{lab.family}"
    host.run("ipset", "create", name, "hash:ip", "family", "inet" if lab.family == 4 else "inet6")
    where = ["-d", server] if server else []
    lab.iptables(host, "-I", chain, *where, "-p", "tcp", "-m", "set", "--match-set", name, "src",
                 *TCP_RESET)
    host.run("ipset", "add", name, address)


@scenario("ban-on-router", "ipset, iptables", points=("client", "router"), families=(4, ),
          findings=True)
def ban_on_router(lab):
    """The router's firewall refuses one address with a RST, whatever it asks for; four others are
    served by the same server all the time."""
    Service(lab, 80), Service(lab, 443, tls=tls_server(lab))
    banned, *others = more_clients(lab, 5)
    ban(lab, lab.router, "FORWARD", banned)
    good = everyone_else(lab, others, 5) + everyone_else(lab, others, 3, 443, BROWSER)
    bad = everyone_else(lab, [banned], 8) + everyone_else(lab, [banned], 7, 443, BROWSER)
    seen = crowd(lab, good + bad, 5)
    pause(0.2)
    well(lab, seen[:len(good)]), refuse(lab, seen[len(good):], "ip-block", "router")
    for port, count in ((80, 8), (443, 7)):
        lab.finding("ip-block", client=banned, server=endpoint(lab, port), sender="middlebox",
                    resets=count, connections=count)


@scenario("ban-on-server", "ipset, iptables, ip6tables", points=("client", "server"), findings=True)
def ban_on_server(lab):
    """The server's own firewall refuses one address with a RST; three others are served."""
    Service(lab, 80)
    banned, *others = more_clients(lab, 4)
    ban(lab, lab.server, "INPUT", banned)
    good = everyone_else(lab, others, 8)
    seen = crowd(lab, good + everyone_else(lab, [banned], 8), 5)
    pause(0.2)
    well(lab, seen[:len(good)]), refuse(lab, seen[len(good):], "ip-block", "server")
    lab.finding("ip-block", client=banned, server=endpoint(lab, 80), sender="server", resets=8,
                connections=8)


@scenario("ban-midway", "ipset, ip6tables", points=("client", "router"), families=(6, ),
          findings=True)
def ban_midway(lab):
    """One address of five is banned on the router while it has connections open: their next
    requests meet a RST, and so does every new SYN. It was served as well as the others until then,
    and asked for no more than they."""
    Service(lab, 80)
    addresses = more_clients(lab, 5)
    banned, *others = addresses
    well(lab, crowd(lab, everyone_else(lab, addresses, 4), 3))
    links = []
    for _ in range(2):
        link = lab.open(81, client_ip=banned)
        link.c.sendall(GET)
        receive(link.s)
        link.s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" + BODY)
        receive(link.c, BODY)
        links.append(link)
    pause(0.2)
    ban(lab, lab.router, "FORWARD", banned)
    for link in links:
        link.c.sendall(GET)
    good = everyone_else(lab, others, 5)
    seen = crowd(lab, good + everyone_else(lab, [banned], 9), 4)
    pause(0.2)
    for link in links:
        lab.reset(link, "server", "awaiting-response", "firewall-reject", sender="middlebox",
                  trigger="data", also={"cause": ["ip-block", "injected", "unknown", "state-expired"],
                                        "sender": ["unknown"]})
    well(lab, seen[:len(good)]), refuse(lab, seen[len(good):], "ip-block", "router")
    lab.finding("ip-block", client=banned, server=endpoint(lab, 80), sender="middlebox", resets=9,
                connections=13)


@scenario("ban-nginx", "nginx (map, return 444, reset_timedout_connection)",
          points=("client", "server"), families=(4, ), findings=True)
def ban_nginx(lab):
    """nginx knows an address it does not like and drops its requests without an answer (return
    444): RST. Four others are served."""
    banned, *others = more_clients(lab, 5)
    nginx(lab, http=f"reset_timedout_connection on; map $remote_addr $bad {{ {banned} 1; }}",
          server='if ($bad) { return 444; } location / { return 200 "in stock"; }')
    good = everyone_else(lab, others, 6) + everyone_else(lab, others, 2, 443, PHONE)
    seen = crowd(lab, good + everyone_else(lab, [banned], 9), 5)
    pause(0.2)
    well(lab, seen[:len(good)])
    for v in ill(seen[len(good):], "reset"):
        lab.reset(v.conn, "server", "awaiting-response", "ip-block", http_method="GET",
                  alone=SERVER_ALONE)
    lab.finding("ip-block", client=banned, server=endpoint(lab, 80), sender="server", resets=9,
                connections=9)


# Rate limits


def bursts(lab, address, times, count, gap, port=80, **options):
    """What a greedy client does: many connections within an instant, then a pause, and again."""
    seen = []
    for _ in range(times):
        seen += crowd(lab, [partial(visit, lab, port, client_ip=address, **options)] * count, 0.8)
        pause(gap)
    return seen


def greedy_and_others(lab, others, count, greedy):
    """The greedy client's visits, with everybody else served well before, during and after."""
    crowds = [partial(crowd, lab, everyone_else(lab, others, count), 8), greedy]
    rest, seen = crowd(lab, crowds, 0.1)
    pause(0.3)
    well(lab, rest)
    good, bad = split(seen)
    if len(bad) < 8 or len(good) < 8:
        raise RuntimeError(f"{len(good)} went well, {len(bad)} did not: no contrast")
    well(lab, good)
    return seen, bad


def limited(lab, address, seen, bad, port=80, **values):
    lab.finding("rate-limit", client=address, server=endpoint(lab, port), resets=len(bad),
                connections=len(seen), **values)


@scenario("rate-hashlimit-router", "iptables (hashlimit)", points=("client", "router"),
          families=(4, ), findings=True)
def rate_hashlimit_router(lab):
    """The router lets each address open five connections a second, eight at once (hashlimit), and
    refuses the rest with a RST. One client opens sixteen within a second, three times; four others
    stay below."""
    Service(lab, 80)
    greedy, *others = more_clients(lab, 5)
    lab.iptables(lab.router, "-A", "FORWARD", "-p", "tcp", "--syn", "--dport", "80", "-m",
                 "hashlimit", "--hashlimit-above", "5/sec", "--hashlimit-burst", "8",
                 "--hashlimit-mode", "srcip", "--hashlimit-name", "lab", *TCP_RESET)
    seen, bad = greedy_and_others(lab, others, 10, partial(bursts, lab, greedy, 3, 16, 2))
    refuse(lab, bad, "rate-limit", "router")
    limited(lab, greedy, seen, bad, sender="middlebox")


@scenario("rate-connlimit-server", "ip6tables (connlimit)", points=("client", "server"),
          families=(6, ), findings=True)
def rate_connlimit_server(lab):
    """The server's firewall lets each address have six connections at a time (connlimit) and
    refuses the rest with a RST. One client opens twelve at once, three times; four others have one
    or two."""
    Service(lab, 80)
    greedy, *others = more_clients(lab, 5)
    lab.iptables(lab.server, "-A", "INPUT", "-p", "tcp", "--syn", "--dport", "80", "-m", "connlimit",
                 "--connlimit-above", "6", "--connlimit-mask", "128", *TCP_RESET)
    seen, bad = greedy_and_others(
        lab, others, 10, partial(bursts, lab, greedy, 3, 12, 1, requests=2, think=1))
    refuse(lab, bad, "rate-limit", "server")
    limited(lab, greedy, seen, bad, sender="server")


def nginx_before_service(lab, limit, where):
    """nginx passes on to a Service, which only loopback sees: `return` would come before limits."""
    loopback = "127.0.0.1" if lab.family == 4 else "::1"
    Service(lab, 8082, loopback)
    nginx(lab, http=f"reset_timedout_connection on; {limit}",
          server=f"location / {{ {where} proxy_pass http://{lab.bracketed(loopback)}:8082; }}")


def nginx_resets(lab, bad):
    for v in ill(bad, "reset"):
        lab.reset(v.conn, "server", "awaiting-response", "rate-limit", http_method="GET",
                  alone=SERVER_ALONE)


@scenario("rate-nginx-requests", "nginx (limit_req, limit_req_status 444)",
          points=("client", "server"), families=(6, ), findings=True)
def rate_nginx_requests(lab):
    """nginx lets each address ask four times a second, six times at once (limit_req), and drops the
    rest without an answer (444): RST. One client exceeds that three times; four others do not."""
    nginx_before_service(lab, "limit_req_zone $binary_remote_addr zone=lab:1m rate=4r/s;",
                         "limit_req zone=lab burst=6 nodelay; limit_req_status 444;")
    greedy, *others = more_clients(lab, 5)
    seen, bad = greedy_and_others(lab, others, 8, partial(bursts, lab, greedy, 3, 14, 2))
    nginx_resets(lab, bad)
    limited(lab, greedy, seen, bad, sender="server")


@scenario("rate-nginx-connections", "nginx (limit_conn, limit_conn_status 444)",
          points=("client", "server"), families=(4, ), findings=True)
def rate_nginx_connections(lab):
    """nginx answers five requests of each address at a time (limit_conn; an answer takes 1.2 s) and
    drops the rest without an answer (444): RST. One client asks for twelve at once, three times."""
    loopback = "127.0.0.1"
    Service(lab, 8082, loopback, wait=1.2)
    nginx(lab, http="reset_timedout_connection on; limit_conn_zone $binary_remote_addr zone=lab:1m;",
          server=f"location / {{ limit_conn lab 5; limit_conn_status 444; "
          f"proxy_pass http://{loopback}:8082; }}")
    greedy, *others = more_clients(lab, 5)
    seen, bad = greedy_and_others(lab, others, 8, partial(bursts, lab, greedy, 3, 12, 1.5))
    nginx_resets(lab, bad)
    limited(lab, greedy, seen, bad, sender="server")


def haproxy_counting(lab, rule):
    haproxy(
        lab, lab.server, f"""
frontend front
    mode http
    bind {lab.server_ip}:80
    stick-table type {'ip' if lab.family == 4 else 'ipv6'} size 1k expire 10s store conn_rate(2s)
    tcp-request connection track-sc0 src
    {rule} if {{ sc0_conn_rate gt 8 }}
    http-request return status 200 content-type text/plain string "in stock\"""")
    lab.server.wait_listening(80)


@scenario("rate-haproxy-reject", "haproxy (stick-table, tcp-request connection reject)",
          points=("client", "server"), families=(4, ), findings=True)
def rate_haproxy_reject(lab):
    """haproxy counts connections per address over two seconds (stick-table conn_rate) and rejects
    those beyond eight right after the handshake. One client exceeds that three times; four others
    do not."""
    haproxy_counting(lab, "tcp-request connection reject")
    greedy, *others = more_clients(lab, 5)
    seen, bad = greedy_and_others(lab, others, 8, partial(bursts, lab, greedy, 3, 15, 2.5,
                                                          slow=0.3))
    for v in ill(bad, "reset"):
        lab.reset(v.conn, "server", "before-data", "rate-limit", alone=SERVER_ALONE)
    limited(lab, greedy, seen, bad, sender="server")


@scenario("rate-haproxy-silent-drop", "haproxy (stick-table, tcp-request connection silent-drop)",
          points=("client", "server"), families=(6, ), findings=True)
def rate_haproxy_silent_drop(lab):
    """As rate-haproxy-reject, but haproxy forgets the connections without a word (silent-drop): the
    client's request then meets a kernel that knows no such connection."""
    haproxy_counting(lab, "tcp-request connection silent-drop")
    greedy, *others = more_clients(lab, 5)
    seen, bad = greedy_and_others(lab, others, 8, partial(bursts, lab, greedy, 3, 15, 2.5,
                                                          slow=0.3))
    for v in ill(bad, "reset"):
        lab.reset(v.conn, "server", "awaiting-response", "rate-limit", http_method="GET",
                  trigger="data", alone=["no-socket", "unknown"])
    limited(lab, greedy, seen, bad, sender="server")
