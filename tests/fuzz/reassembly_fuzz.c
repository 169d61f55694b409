/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One side's payload against a model. The first four bytes are the initial sequence number, then
 * come steps of five bytes: what (data, an acknowledgement, the end), an offset within the model's
 * window (two bytes), a length, and how many bytes of it the capture lacks. Every piece is filled
 * with its own number. Bytes come out in order, each once, as one of the pieces had them; what
 * comes out as missing was in none that had arrived, or was acknowledged or given up; bounds hold.
 */
#include <string.h>

#include <glib.h>

#include "conn/reassembly.h"
#include "fuzz.h"
#include "limits.h"

#define WINDOW 4096u
#define STEPS  255u

/** struct model - what has arrived, and how far it has come out */
struct model {
    uint8_t pieces[WINDOW + 512][(STEPS + 8) / 8]; /* by offset: bits of the pieces that had it */
    bool covered[WINDOW + 512];
    uint32_t base, at;
    uint32_t limit; /* bytes before it may be missing: acknowledged, or a bound was reached */
};

static void on_chunk(void *user, const struct observe_chunk *chunk, bool missing)
{
    struct model *model = user;

    require(chunk->captured <= chunk->length && chunk->length > 0);
    require(!missing || chunk->captured == 0);
    require(model->at + chunk->length <= G_N_ELEMENTS(model->covered));
    for (uint32_t i = 0; i < chunk->length; i++, model->at++) {
        if (i < chunk->captured) {
            uint8_t number = chunk->data[i];

            require(model->pieces[model->at][number / 8] >> (number % 8) & 1);
        } else if (missing) {
            require(model->at < model->limit && !model->covered[model->at]);
        } else {
            require(model->covered[model->at]); /* a piece had it, but not its bytes */
        }
    }
}

static void add(struct reassembly *data, struct model *model, uint8_t number, uint32_t offset,
                uint32_t length, uint32_t lacking)
{
    uint32_t captured = length - MIN(lacking, length);
    uint8_t *bytes = g_malloc(captured + 1); /* copied by whoever wants to keep it */
    struct observe_chunk chunk = {
        .data = captured ? bytes : NULL, .captured = captured, .length = length, .frame = number};

    memset(bytes, number, captured);
    for (uint32_t i = 0; i < length; i++) {
        model->covered[offset + i] = true;
        if (i < captured) {
            model->pieces[offset + i][number / 8] |= (uint8_t)(1u << (number % 8));
        }
    }
    if (data->count + 1 > LIMIT_REASSEMBLY_PIECES ||
        data->bytes + captured > LIMIT_REASSEMBLY_BYTES) {
        model->limit = UINT32_MAX;
    }
    require(reassembly_add(data, model->base + offset, &chunk, on_chunk, model) ||
            model->limit == UINT32_MAX);
    g_free(bytes);
}

static void check(const struct reassembly *data, const struct model *model)
{
    uint32_t waiting = 0;

    require(data->next == model->base + model->at);
    require(data->count <= LIMIT_REASSEMBLY_PIECES && data->bytes <= LIMIT_REASSEMBLY_BYTES);
    require((data->pieces == NULL) == (data->count == 0));
    for (uint32_t i = model->at; i < G_N_ELEMENTS(model->covered); i++) {
        waiting += model->covered[i];
    }
    require(reassembly_waiting(data) == waiting);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reassembly reassembly = {0};
    struct model *model;

    if (size < 4) {
        return 0;
    }
    model = g_new0(struct model, 1);
    memcpy(&model->base, data, 4);
    reassembly_start(&reassembly, model->base);
    data += 4;
    size -= 4;
    for (unsigned step = 0; size >= 5 && step < STEPS; step++, data += 5, size -= 5) {
        uint32_t offset = (data[1] | (uint32_t)data[2] << 8) % WINDOW;

        switch (data[0] & 7) {
        case 0:
            model->limit = MAX(model->limit, offset);
            reassembly_acked(&reassembly, model->base + offset, false, on_chunk, model);
            break;
        case 1:
            model->limit = MAX(model->limit, offset);
            reassembly_acked(&reassembly, model->base + offset, true, on_chunk, model);
            require(model->at >= offset);
            break;
        default:
            if (data[3] > 0) {
                add(&reassembly, model, (uint8_t)step, offset, data[3], data[4]);
            }
        }
        check(&reassembly, model);
    }
    reassembly_clear(&reassembly);
    require(!reassembly.pieces && reassembly.count == 0 && reassembly.bytes == 0);
    g_free(model);
    return 0;
}
