/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verdict/learn.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "bytes/seq.h"

/* Verdicts of one connection looked at when a later packet comes: the newest matter. */
#define LOOK_BACK 32

/* Two RSTs, one to each end, this close together have one cause. */
#define TOGETHER_NS INT64_C(20000000)

/* After this time a claimed sender's acknowledgement is no packet that was overtaken. */
#define OVERTAKEN_NS INT64_C(3000000)

static void learn_host(struct hosts *hosts, const struct conn *conn, unsigned side,
                       const struct whyrst_segment *segment)
{
    const struct flow_key key = conn_key(conn);
    struct host *host = hosts_get(hosts, &key, side, false, true);
    uint8_t ttl = segment->ttl;

    host->labels |= segment->flow_label != 0;
    host->twice = false;
    if (host->ttl_max == 0) {
        host->ttl_min = host->ttl_max = ttl;
    }
    host->ttl_min = MIN(host->ttl_min, ttl);
    host->ttl_max = MAX(host->ttl_max, ttl);
}

static void count_copy(struct trigger *trigger, uint32_t of)
{
    trigger->copies += trigger->frame == of && trigger->copies < UINT8_MAX;
}

void learn_duplicate(struct hosts *hosts, const struct conn *conn, unsigned side,
                     const struct whyrst_segment *segment, uint32_t of)
{
    const struct flow_key key = conn_key(conn);
    const struct conn_extra *extra = conn_extra(conn);
    struct whyrst_record *record = extra ? extra->newest : NULL;

    for (unsigned i = 0; record && i < LOOK_BACK; i++, record = record->older) {
        count_copy(&record->facts.trigger, of);
        count_copy(&record->facts.latest, of);
    }

    if ((segment->flags & (WHYRST_TCP_SYN | WHYRST_TCP_ACK)) == (WHYRST_TCP_SYN | WHYRST_TCP_ACK)) {
        hosts_get(hosts, &key, side, false, true)->twice = true;
    }
}

void learn_copy(struct rst_facts *facts, const struct whyrst_segment *copy)
{
    facts->later.copies += facts->later.copies < UINT8_MAX;
    /* Where a translator stands between capture points, the sender's other segments of this
     * connection passed but those behind it, and there this RST looks as they do. */
    if ((facts->passes_once || (facts->passes > 0 && facts->later.copies > facts->passes)) &&
        copy->ttl == facts->ttl_expected) {
        facts->segment.ttl = copy->ttl;
        facts->hops = HOPS_SAME;
        facts->hops_closer = 0;
    }
}

static void learn_handshake(struct hosts *hosts, const struct conn *conn, unsigned side,
                            const struct whyrst_segment *segment)
{
    const struct flow_key key = conn_key(conn);

    if (segment->flags & WHYRST_TCP_ACK) {
        struct host *service = hosts_get(hosts, &key, side, true, true);

        service->accept_frame = (uint32_t)segment->frame;
        if (service->burst) {
            service->burst->accepted = true;
        }
        learn_host(hosts, conn, side, segment); /* not from SYNs, which raw sockets build as well */
    } else {
        hosts_note_syn(hosts, &key, side, segment->seq, (uint32_t)segment->frame);
    }
}

/* So long after a RST its claimed sender's segments may be older than the RST. Where the path
 * overtakes, it does so by less than a round trip. */
static int64_t overtaken_ns(const struct rst_facts *facts, const struct whyrst_segment *segment)
{
    bool behind = segment->payload_length > 0 && seq_before(segment->seq, facts->sender.next);

    return facts->reordered || behind ? MAX(facts->rtt_ns, OVERTAKEN_NS) : OVERTAKEN_NS;
}

/* The RST answers data that the claimed sender has not taken, and long afterwards that one closes:
 * a host that has no such connection closes none, and one that has closed already does not do so
 * again. */
static bool closes_unaware(const struct rst_facts *facts, const struct whyrst_segment *segment)
{
    const struct trigger *trigger = &facts->trigger;

    return (segment->flags & WHYRST_TCP_FIN) && (segment->flags & WHYRST_TCP_ACK) &&
           facts->shape == RST_SHAPE_ANSWER && trigger->length > 0 &&
           !(facts->sender.flags & ENDPOINT_FIN) && !seq_before(segment->seq, facts->segment.seq) &&
           seq_before(segment->ack, trigger->seq + trigger->length);
}

/* Does a segment of the claimed sender after its RST show that it lives on? */
static bool shows_life(const struct whyrst_record *record, const struct whyrst_segment *segment,
                       const struct conn_event *event)
{
    const struct whyrst_segment *rst = &record->facts.segment;
    uint32_t end = segment->seq + segment->payload_length;
    uint32_t known; /* what the sender had acknowledged by its RST */
    int64_t overtaken = overtaken_ns(&record->facts, segment);
    bool late = segment->time_ns - record->time_ns > overtaken;

    if ((segment->flags & WHYRST_TCP_SYN) || (overtaken > OVERTAKEN_NS && !late)) {
        return false;
    }
    if (event->new_payload && seq_after(end, rst->seq)) {
        return true;
    }
    /* What the RST's builder had said in the sender's name, the sender says itself: it comes from
     * elsewhere, and no reset side repeats itself. */
    if (segment->payload_length > 0 && hop_count(segment->ttl) != hop_count(rst->ttl) && late) {
        return true;
    }
    if (late && closes_unaware(&record->facts, segment)) {
        return true;
    }
    known = rst->flags & WHYRST_TCP_ACK ? rst->ack : record->facts.sender.ack;
    return (segment->flags & WHYRST_TCP_ACK) && seq_after(segment->ack, known) && late;
}

static bool takes_trigger(const struct trigger *trigger, const struct whyrst_segment *segment)
{
    return trigger->length > 0 && (segment->flags & WHYRST_TCP_ACK) &&
           !seq_before(segment->ack, trigger->seq + trigger->length);
}

/* The RST answers an acknowledgement, and long after that had its way its claimed sender repeats
 * what it acknowledged. (One byte may be a keep-alive probe.) */
static bool misses_trigger(const struct rst_facts *facts, const struct whyrst_segment *segment)
{
    const struct trigger *trigger = &facts->trigger;

    return facts->shape == RST_SHAPE_ANSWER && trigger->frame != 0 &&
           !(trigger->flags & WHYRST_TCP_SYN) && segment->payload_length > 1 &&
           seq_before(segment->seq, facts->segment.seq) &&
           segment->time_ns - trigger->time_ns > MAX(2 * facts->rtt_ns, OVERTAKEN_NS);
}

/* A client in SYN-SENT answers an ACK of an older connection, and goes on to connect (RFC 9293
 * section 3.10.7.3). */
static bool answers_older_connection(const struct rst_facts *facts)
{
    unsigned handshake = facts->conn_flags & (CONN_SYN | CONN_SYN_ACK | CONN_ESTABLISHED);

    return facts->from_client && handshake == CONN_SYN &&
           !(facts->segment.flags & WHYRST_TCP_ACK) && facts->segment.seq != facts->sender.next;
}

/* What the segment says of @record, the connection's newest verdict, and of those before. */
static void learn_after_reset(struct whyrst_record *record, unsigned side,
                              const struct whyrst_segment *segment, const struct conn_event *event)
{
    for (unsigned i = 0; record && i < LOOK_BACK; i++, record = record->older) {
        struct hindsight *later = &record->facts.later;

        if (record->facts.from != side || answers_older_connection(&record->facts)) {
            continue;
        }
        record->facts.trigger.taken |= takes_trigger(&record->facts.trigger, segment);
        record->facts.trigger.missed |= misses_trigger(&record->facts, segment);
        record->facts.latest.taken |= takes_trigger(&record->facts.latest, segment);
        if (record->facts.origin == WHYRST_ORIGIN_REFUSED_HANDSHAKE &&
            (segment->flags & (WHYRST_TCP_SYN | WHYRST_TCP_ACK)) ==
                (WHYRST_TCP_SYN | WHYRST_TCP_ACK)) {
            later->syn_ack_frame = (uint32_t)segment->frame;
        } else if (later->life_frame == 0 && shows_life(record, segment, event)) {
            later->life_frame = (uint32_t)segment->frame;
        }
    }
}

void learn_segment(struct hosts *hosts, struct conn *conn, unsigned side,
                   const struct whyrst_segment *segment, const struct conn_event *event)
{
    const struct conn_extra *extra = conn_extra(conn);

    if (segment->flags & WHYRST_TCP_SYN) {
        learn_handshake(hosts, conn, side, segment);
    }
    if (extra && extra->newest) {
        learn_after_reset(extra->newest, side, segment, event);
    }
}

/* A SYN-ACK without SYN between these ends: did the client send that SYN to somebody else? */
static uint32_t find_syn_elsewhere(struct hosts *hosts, const struct conn *conn,
                                   const struct rst_facts *facts)
{
    const struct flow_key key = conn_key(conn);
    const struct recent_syn *syn = hosts_find_syn_elsewhere(hosts, &key, facts->from);

    return syn && facts->shape == RST_SHAPE_ANSWER && facts->segment.seq == syn->seq + 1
               ? syn->frame
               : 0;
}

void learn_facts(struct conn_context *context, struct hosts *hosts, const struct conn *conn,
                 struct rst_facts *facts)
{
    const struct flow_key key = conn_key(conn);
    const struct host *host = hosts_get(hosts, &key, facts->from, false, false);

    facts_compare(context, conn, host, facts);
    if (facts->origin == WHYRST_ORIGIN_REFUSED_HANDSHAKE) {
        struct host *service = hosts_get(hosts, &key, facts->from, true, true);

        service->refusals += !(facts->receiver.flags & ENDPOINT_SYN_AGAIN); /* one attempt */
        facts->refusals = service->refusals;
        facts->accept_frame = service->accept_frame;
        service->refused_frame = (uint32_t)facts->segment.frame;
        if (service->burst && !service->burst->accepted && service->burst->refused_frame == 0) {
            service->burst->refused_frame = service->refused_frame;
        }
    } else if (facts->origin == WHYRST_ORIGIN_ABORTED_HANDSHAKE) {
        if (!(conn->flags & CONN_SYN)) {
            facts->syn_elsewhere_frame = find_syn_elsewhere(hosts, conn, facts);
        } else if (facts->from_client) {
            struct host *prober = hosts_get(hosts, &key, facts->from, false, true);

            prober->half_open++;
            facts->half_open = prober->half_open;
        }
    }
}

/* One event resets connections that exist when it happens and are not spoken on since: a RST that
 * reacts to its own connection's packets only happens to fall into the instant. */
static bool belongs_to_burst(const struct conn *conn, const struct whyrst_record *record,
                             const struct burst *burst)
{
    const struct rst_facts *facts = &record->facts;

    return conn->first_ns < burst->start_ns &&
           (!facts->sender_quiet_known ||
            facts->sender_quiet_ns > record->time_ns - burst->start_ns);
}

/* An instant begins: its burst takes the place of the one before. */
static void begin_burst(struct host *endpoint, int64_t time_ns)
{
    struct burst *before = endpoint->burst;
    struct burst *burst = g_rc_box_new0(struct burst);

    burst->start_ns = time_ns;
    burst->idle_min_ns = INT64_MAX;
    if (before) {
        burst->spell = time_ns - before->start_ns < HOSTS_SPELL_NS ? before->spell + 1 : 0;
        g_rc_box_release(before);
    }
    endpoint->burst = burst;
}

/* Resets by live sockets of one endpoint (a server's service, a client's host) in one instant. */
static void learn_burst(struct hosts *hosts, const struct conn *conn, struct whyrst_record *record)
{
    const struct rst_facts *facts = &record->facts;
    const struct flow_key key = conn_key(conn);
    struct host *endpoint;

    if (facts->shape != RST_SHAPE_ACTIVE || facts->origin == WHYRST_ORIGIN_AFTER_CLOSE) {
        return;
    }
    endpoint = hosts_get(hosts, &key, facts->from, !facts->from_client, true);
    if (endpoint->burst && record->time_ns - endpoint->burst->start_ns <= HOSTS_INSTANT_NS &&
        !belongs_to_burst(conn, record, endpoint->burst)) {
        return;
    }
    if (!endpoint->burst || record->time_ns - endpoint->burst->start_ns > HOSTS_INSTANT_NS) {
        begin_burst(endpoint, record->time_ns);
    }
    if (facts->idle_known) {
        endpoint->burst->idle_min_ns = MIN(endpoint->burst->idle_min_ns, facts->idle_ns);
        endpoint->burst->idle_max_ns = MAX(endpoint->burst->idle_max_ns, facts->idle_ns);
    }
    if (endpoint->burst->count == 0) {
        memcpy(endpoint->burst->peer, key.address[!facts->from], sizeof endpoint->burst->peer);
    }
    endpoint->burst->several_peers |=
        memcmp(endpoint->burst->peer, key.address[!facts->from], sizeof endpoint->burst->peer) != 0;
    endpoint->burst->origins |= 1u << facts->origin;
    endpoint->burst->count++;
    record->burst = g_rc_box_acquire(endpoint->burst);
}

static bool is_answer(const struct rst_facts *facts)
{
    return facts->trigger.frame != 0 || facts->shape == RST_SHAPE_REFUSAL ||
           facts->shape == RST_SHAPE_ANSWER ||
           (!(facts->segment.flags & WHYRST_TCP_ACK) && lacks_plain_segments(facts));
}

static bool continues_host(const struct rst_facts *facts)
{
    return facts->hops == HOPS_SAME && (facts->options.timestamps || facts->ip_id == ID_CONTINUES);
}

/* Each at its own host's distance, and these differ: two hosts, not one box. */
static bool each_own_distance(const struct rst_facts *facts, const struct rst_facts *earlier)
{
    return facts->hops == HOPS_SAME && earlier->hops == HOPS_SAME &&
           facts->segment.ttl != earlier->segment.ttl;
}

/* The RST has a number that nobody has acknowledged, and no live socket would send: ahead of what
 * its claimed sender has sent (of which the path may have lost or delayed some), or, without the
 * ACK flag that a socket's own has, in the midst of it.
 */
static bool has_unheard_number(const struct rst_facts *facts)
{
    const struct whyrst_segment *rst = &facts->segment;

    if (facts->shape != RST_SHAPE_OTHER || (facts->sender.flags & ENDPOINT_FIN) ||
        lacks_plain_segments(facts) || ((rst->flags & WHYRST_TCP_ACK) && continues_host(facts))) {
        return false;
    }
    return seq_after(rst->seq, facts->sender.next) ||
           (!(rst->flags & WHYRST_TCP_ACK) && (facts->receiver.flags & ENDPOINT_LETTER_A) &&
            rst->seq != facts->sender.next && (facts->receiver.flags & ENDPOINT_ACKED) &&
            seq_after(rst->seq, facts->receiver.ack));
}

/* A new RST tells of the older ones of its connection, and they of it. */
static void learn_pair(struct whyrst_record *record, struct whyrst_record *other)
{
    struct rst_facts *facts = &record->facts;
    struct rst_facts *earlier = &other->facts;
    int64_t apart = record->time_ns - other->time_ns;
    bool train;

    if (facts->from != earlier->from) {
        /* One box that resets both ends answers neither and continues neither's numbers. */
        bool separate = is_answer(facts) || is_answer(earlier) || continues_host(facts) ||
                        continues_host(earlier) || each_own_distance(facts, earlier);

        if (llabs(apart) <= TOGETHER_NS && !separate && earlier->later.both_frame == 0) {
            earlier->later.both_frame = (uint32_t)record->frame;
            facts->later.both_frame = (uint32_t)other->frame;
            earlier->later.both_ns = facts->later.both_ns = llabs(apart);
        }
        return;
    }
    /* Two with the same number may be answers, to what followed a FIN that the capture lacks. */
    train = apart < INT64_C(2000000000) && facts->segment.seq != earlier->segment.seq;
    if (train && has_unheard_number(facts)) {
        earlier->later.train_frame = (uint32_t)record->frame; /* numbers nobody acknowledged */
    }
    if (train && (earlier->sender.flags & ENDPOINT_SEEN) && has_unheard_number(earlier)) {
        facts->later.train_frame = (uint32_t)other->frame; /* the same two, reordered */
    }
    if (abs(hop_count(facts->segment.ttl) - hop_count(earlier->segment.ttl)) >= 2) {
        earlier->later.other_ttl_frame = (uint32_t)record->frame;
        earlier->later.other_ttl = facts->segment.ttl;
        facts->later.other_ttl_frame = (uint32_t)other->frame;
        facts->later.other_ttl = earlier->segment.ttl;
    }
}

void learn_reset(struct hosts *hosts, struct conn *conn, struct whyrst_record *record)
{
    struct whyrst_record *other = conn_extra(conn)->newest;

    learn_burst(hosts, conn, record);
    for (unsigned i = 0; other && i < LOOK_BACK; i++, other = other->older) {
        if (other != record) {
            learn_pair(record, other);
        }
    }
}

void learn_final(struct hosts *hosts, struct whyrst_record *record)
{
    struct rst_facts *facts = &record->facts;
    const struct host *service;

    if (record->twin) {
        facts->trigger = record->twin->facts.trigger; /* its own verdict is final by now */
        return;
    }
    /* Built on the way, by a device that answers at once: between two capture points, or while the
     * host lives on without the latest that it was sent. */
    if (facts->latest.frame != 0 &&
        (facts->later.copies < facts->passes ||
         (facts->later.life_frame != 0 && facts->latest.length > 0 && !facts->latest.taken))) {
        facts->trigger = facts->latest;
    }
    if (facts->from_client) {
        return;
    }
    service = hosts_get(hosts, &record->key, facts->from, true, false);
    if (service && service->accept_frame > record->frame) {
        facts->later.accept_frame = service->accept_frame;
    }
    if (service && service->refused_frame > record->frame) {
        facts->later.refused_frame = service->refused_frame;
    }
}
