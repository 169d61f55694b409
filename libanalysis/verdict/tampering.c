/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The paper looks at what reaches a server: the client's packets, then RSTs in the client's name.
 * In a capture at the client the RSTs bear the server's name; the stage is the client's progress in
 * both. Patterns that end in silence are none of a RST's.
 */
#include "verdict/tampering.h"

enum stage { POST_SYN, POST_ACK, POST_PSH, POST_DATA, NO_STAGE };

static enum stage find_stage(const struct rst_facts *facts)
{
    const struct endpoint *client = facts->from_client ? &facts->sender : &facts->receiver;
    uint32_t fin = (facts->sender.flags | facts->receiver.flags) & ENDPOINT_FIN;

    if (!(facts->conn_flags & CONN_SYN) || fin) {
        return NO_STAGE;
    }
    if (!(facts->conn_flags & CONN_ESTABLISHED)) {
        return client->syns == 1 ? POST_SYN : NO_STAGE;
    }
    if (client->last_payload_frame == 0) {
        return POST_ACK;
    }
    return client->bytes <= client->segment_size ? POST_PSH : POST_DATA;
}

static const char *after_psh(const struct reset_tally *tally)
{
    if (tally->with_ack > 0 && tally->bare > 0) {
        return "⟨PSH+ACK → RST; RST+ACK⟩";
    }
    if (tally->with_ack > 0) {
        return tally->with_ack == 1 ? "⟨PSH+ACK → RST+ACK⟩" : "⟨PSH+ACK → RST+ACK; RST+ACK⟩";
    }
    if (tally->bare == 1) {
        return "⟨PSH+ACK → RST⟩";
    }
    if (!tally->acks_differ) {
        return "⟨PSH+ACK → RST = RST⟩";
    }
    return tally->zero_ack ? "⟨PSH+ACK → RST; RST₀⟩" : "⟨PSH+ACK → RST ≠ RST⟩";
}

const char *tampering_signature(const struct rst_facts *facts)
{
    const struct reset_tally *tally = &facts->later.tally;
    bool bare = tally->bare > 0;

    switch (find_stage(facts)) {
    case POST_SYN:
        if (bare && tally->with_ack > 0) {
            return "⟨SYN → RST; RST+ACK⟩";
        }
        return bare ? "⟨SYN → RST⟩" : "⟨SYN → RST+ACK⟩";
    case POST_ACK:
        if (bare && tally->with_ack > 0) {
            return NULL;
        }
        if (bare) {
            return tally->bare == 1 ? "⟨SYN; ACK → RST⟩" : "⟨SYN; ACK → RST; RST⟩";
        }
        return tally->with_ack == 1 ? "⟨SYN; ACK → RST+ACK⟩" : "⟨SYN; ACK → RST+ACK; RST+ACK⟩";
    case POST_PSH:
        return after_psh(tally);
    case POST_DATA:
        return tally->with_ack > 0 ? "⟨PSH+ACK; Data → RST+ACK⟩" : "⟨PSH+ACK; Data → RST⟩";
    case NO_STAGE:
        break;
    }
    return NULL;
}
