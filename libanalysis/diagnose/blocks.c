/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which RSTs a diagnosis explains, and telling them. */
#include "diagnose/blocks.h"

#include <string.h>

#include "diagnose/diagnosis.h"

static void clear_block(gpointer data)
{
    struct block *block = data;

    g_rc_box_release(block->across);
    g_free(block->ja4);
    g_free(block->sni);
}

GArray *blocks_new(void)
{
    GArray *blocks = g_array_new(FALSE, TRUE, sizeof(struct block));

    g_array_set_clear_func(blocks, clear_block);
    return blocks;
}

struct block *blocks_add(GArray *blocks, enum across_kind kind, enum whyrst_confidence confidence,
                         const struct server_key *server, const struct score *score)
{
    struct block *block;

    g_array_set_size(blocks, blocks->len + 1);
    block = &g_array_index(blocks, struct block, blocks->len - 1);
    block->across = g_rc_box_new0(struct across);
    block->across->kind = kind;
    block->across->confidence = confidence;
    block->across->sender = score_sender(score);
    block->server = *server;
    block->from_ns = score->failures->first_ns;
    return block;
}

static bool explains(const struct block *block, const struct outcome *outcome)
{
    struct server_key server = server_key_of(outcome);

    if (memcmp(&server, &block->server, sizeof server) != 0 || outcome->end_ns < block->from_ns) {
        return false;
    }
    if (block->ja4) {
        return outcome->origin == WHYRST_ORIGIN_TLS_PHASE &&
               g_strcmp0(outcome->ja4, block->ja4) == 0 &&
               (!block->sni || g_strcmp0(outcome->sni, block->sni) == 0);
    }
    return memcmp(outcome->client, block->client, sizeof block->client) == 0;
}

bool whyrst_diagnosis_may_revise(const struct whyrst_diagnosis *diagnosis,
                                 const struct whyrst_record *record)
{
    (void)diagnosis;
    return record->explicable;
}

bool whyrst_diagnosis_revise(const struct whyrst_diagnosis *diagnosis, struct whyrst_record *record)
{
    struct outcome outcome;

    if (!record->explicable) {
        return false;
    }
    if (diagnosis->blocks->len > 0) {
        outcome_of_reset(record, &outcome);
    }
    for (guint i = 0; i < diagnosis->blocks->len; i++) {
        const struct block *block = &g_array_index(diagnosis->blocks, struct block, i);

        if (explains(block, &outcome)) {
            record_explain(record, block->across);
            return true;
        }
    }
    record_explain(record, NULL);
    return false;
}
