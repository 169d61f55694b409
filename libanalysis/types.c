/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of the enums, from the lists in types.h. */
#include <whyrst/types.h>

#define NAME(id, name, text) name,
#define TEXT(id, name, text) text,

#define LOOK_UP(names, value)                                                                     \
    ((unsigned)(value) < sizeof(names) / sizeof(names)[0] ? (names)[value] : "")

static const char *const origin_names[] = {WHYRST_ORIGINS(NAME)};
static const char *const origin_texts[] = {WHYRST_ORIGINS(TEXT)};
static const char *const sender_names[] = {WHYRST_SENDERS(NAME)};
static const char *const confidence_names[] = {WHYRST_CONFIDENCES(NAME)};
static const char *const close_type_names[] = {WHYRST_CLOSE_TYPES(NAME)};
static const char *const tls_stage_names[] = {WHYRST_TLS_STAGES(NAME)};
static const char *const sequence_check_names[] = {WHYRST_SEQUENCE_CHECKS(NAME)};

const char *whyrst_origin_name(enum whyrst_origin origin)
{
    return LOOK_UP(origin_names, origin);
}

const char *whyrst_origin_text(enum whyrst_origin origin)
{
    return LOOK_UP(origin_texts, origin);
}

const char *whyrst_sender_name(enum whyrst_sender sender)
{
    return LOOK_UP(sender_names, sender);
}

const char *whyrst_confidence_name(enum whyrst_confidence confidence)
{
    return LOOK_UP(confidence_names, confidence);
}

const char *whyrst_close_type_name(enum whyrst_close_type close_type)
{
    return LOOK_UP(close_type_names, close_type);
}

const char *whyrst_tls_stage_name(enum whyrst_tls_stage stage)
{
    return LOOK_UP(tls_stage_names, stage);
}

const char *whyrst_sequence_check_name(enum whyrst_sequence_check check)
{
    return LOOK_UP(sequence_check_names, check);
}
