/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of a capture in several files, told by each file's own frame numbers. */
#include <string.h>

#include <glib.h>

#include <whyrst/engine.h>

#include "verdict/record.h"

struct renumbering {
    whyrst_locate locate;
    void *context;
};

static uint64_t own_number(const struct renumbering *by, uint64_t number)
{
    const char *name = NULL;

    return number ? by->locate(by->context, number, &name) : 0;
}

/* Moves a number that follows @between from @text to @out. */
static bool take_number(const struct renumbering *by, GString *out, const char **text,
                        const char *between)
{
    const char *digits = *text + strlen(between);
    const char *name = NULL;
    char *end;

    if (!g_str_has_prefix(*text, between) || !g_ascii_isdigit(*digits)) {
        return false;
    }
    g_string_append_printf(out, "%s%" G_GUINT64_FORMAT, between,
                           by->locate(by->context, g_ascii_strtoull(digits, &end, 10), &name));
    if (name) {
        g_string_append_printf(out, " of %s", name);
    }
    *text = end;
    return true;
}

/* Frames are worded "frame 7" and "frames 7 and 9" (evidence.def). */
static char *renumber_text(const struct renumbering *by, const char *text)
{
    GString *out = g_string_new(NULL);
    const char *word;

    while ((word = strstr(text, "frame"))) {
        const char *end = word + strlen("frame");
        bool several = *end == 's';

        end += several;
        g_string_append_len(out, text, end - text);
        text = end;
        if (take_number(by, out, &text, " ") && several) {
            take_number(by, out, &text, " and ");
        }
    }
    g_string_append(out, text);
    return g_string_free(out, FALSE);
}

static void copy_verdict(const struct renumbering *by, struct whyrst_record *copy,
                         const struct whyrst_record *record)
{
    struct record_words *words = record_words(copy);
    struct whyrst_value evidence;

    words->judgement = *record_judgement(record);
    words->judged = copy->final = true;
    if (!whyrst_record_get(record, WHYRST_FIELD_EVIDENCE, &evidence)) {
        return;
    }
    words->evidence_worded = true;
    for (size_t i = 0; i < evidence.count; i++) {
        words->evidence[i] = renumber_text(by, evidence.strings[i]);
    }
}

/* Besides being shown, frames in facts are compared: advice asks whether the alert is the trigger.
 */
static void renumber_facts(const struct renumbering *by, struct rst_facts *facts)
{
    uint32_t trigger = (uint32_t)own_number(by, facts->trigger.frame);

    if (facts->state.alert.frame) {
        facts->state.alert.frame =
            facts->state.alert.frame == facts->trigger.frame ? trigger : UINT32_MAX;
    }
    facts->trigger.frame = trigger;
}

static struct whyrst_record *renumber(const struct whyrst_record *record,
                                      const struct renumbering *by)
{
    struct whyrst_record *copy = record_copy(record);

    copy->twin = record->twin ? renumber(record->twin, by) : NULL;
    if (record->facts.later.across) {
        copy->facts.later.across = g_rc_box_acquire(record->facts.later.across);
    }
    copy->frame = own_number(by, record->frame);
    copy->hello_frame = own_number(by, record->hello_frame);
    copy->syn_frame = (uint32_t)own_number(by, record->syn_frame);
    copy->duplicate_of = own_number(by, record->duplicate_of);
    renumber_facts(by, &copy->facts);
    if (record->kind == WHYRST_RECORD_RST && !record->twin) {
        copy_verdict(by, copy, record);
    }
    return copy;
}

struct whyrst_record *whyrst_record_renumber(const struct whyrst_record *record,
                                             whyrst_locate locate, void *context)
{
    const struct renumbering by = {.locate = locate, .context = context};

    return renumber(record, &by);
}
