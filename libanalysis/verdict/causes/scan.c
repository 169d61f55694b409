/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "conn/baseline.h"
#include "verdict/cause.h"
#include "verdict/causes/common.h"

/* A SYN with window scaling comes from a kernel: programs may give their sockets a TTL of their
 * own, which the kernel's answer for a forgotten one does not share. */
static bool is_socket_syn(const struct rst_facts *facts)
{
    return facts->sender.wscale != ENDPOINT_NO_WSCALE;
}

static void weigh(const struct rst_facts *facts, struct scale *scale)
{
    if (facts->origin != WHYRST_ORIGIN_ABORTED_HANDSHAKE || !facts->from_client ||
        !(facts->conn_flags & CONN_SYN_ACK) || !(facts->conn_flags & CONN_SYN)) {
        return;
    }
    scale_add(scale, facts->shape == RST_SHAPE_ANSWER ? 40 : 15, EVIDENCE_NO_ACK_OF_SYN_ACK, 0, 0,
              facts->trigger.frame);
    if (facts->sender.flags & ENDPOINT_SYN_BARE) {
        scale_add(scale, 25, EVIDENCE_BARE_SYN, 0, 0, 0);
    }
    if (facts->sender.flags & ENDPOINT_SYN_ODD) {
        scale_add(scale, 20,
                  facts->sender.ttl > CONN_TTL_ORDINARY ? EVIDENCE_SYN_TTL_HIGH : EVIDENCE_SYN_ZMAP,
                  facts->sender.ttl, CONN_IP_ID_ZMAP, 0);
    }
    if (facts->segment.ttl != facts->sender.ttl && !is_socket_syn(facts)) {
        scale_add(scale, 25, EVIDENCE_SYN_OTHER_TTL, facts->segment.ttl, facts->sender.ttl, 0);
    }
    if (facts->half_open >= 3 && scale->count > 1) {
        scale_add(scale, 20, EVIDENCE_MANY_HALF_OPEN, facts->half_open, 0, 0);
    }
}

const struct cause cause_scan = {
    .info =
        {.name = "scan",
         .meaning = "Half-open probing: SYN, SYN-ACK, RST by the initiator.",
         .shown_by = "The initiator resets instead of completing the handshake; its SYN has no "
                     "options or a scanner's marks, or it does so again and again.",
         .advice =
             "A port scan or a half-open health check: harmless by itself; find out who runs it.",
         .references = "nmap -sS; ZMap (IP ID 54321); RFC 9293 section 3.5.2",
         .sample = "scan-half-open"},
    .weigh = weigh,
};
