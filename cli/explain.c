/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "explain.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <glib.h>

#include <whyrst/causes.h>
#include <whyrst/record.h>

#include "report/text.h"

#define DEFAULT_WIDTH 80u
#define WIDEST        100u /* longer lines are hard to read */
#define INDENT        4u

static bool write_stdout(void *context, const char *data, size_t length)
{
    (void)context;
    return fwrite(data, 1, length, stdout) == length;
}

static unsigned terminal_width(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0) {
        return DEFAULT_WIDTH;
    }
    return MIN(size.ws_col, WIDEST);
}

/* A title and, indented below it, a text; nothing when there is no text. */
static void write_part(struct output *out, const char *title, const char *text)
{
    if (!*text) {
        return;
    }
    output_text(out, title);
    output_char(out, '\n');
    text_wrapped(out, text, INDENT, terminal_width());
}

static void write_cause(struct output *out, const struct whyrst_cause_info *cause)
{
    g_autofree char *folder = *cause->sample ? g_strconcat("samples/", cause->sample, NULL) : NULL;

    write_part(out, cause->name, cause->meaning);
    write_part(out, "\nShown by", cause->shown_by);
    write_part(out, "\nWhat to do", cause->advice);
    write_part(out, "\nReferences", cause->references);
    write_part(out, "\nSample", folder ? folder : "");
}

static char *unknown_cause(const char *name)
{
    GString *text = g_string_new(NULL);

    g_string_printf(text, "--explain: \"%s\" is not valid; it takes list or one of ", name);
    for (size_t i = 0; i < whyrst_cause_count(); i++) {
        g_string_append_printf(text, "%s%s", i ? ", " : "", whyrst_cause_info(i)->name);
    }
    return g_string_free(text, FALSE);
}

char *explain(const char *name)
{
    const struct whyrst_cause_info *cause = whyrst_cause_find(name);
    struct output out;

    if (!cause && strcmp(name, "list") != 0) {
        return unknown_cause(name);
    }
    output_init(&out, write_stdout, NULL);
    if (cause) {
        write_cause(&out, cause);
    }
    for (size_t i = 0; !cause && i < whyrst_cause_count(); i++) {
        write_part(&out, whyrst_cause_info(i)->name, whyrst_cause_info(i)->meaning);
    }
    output_flush(&out);
    output_clear(&out);
    return NULL;
}

void explain_fields(void)
{
    static const char *const types[] = {
        [WHYRST_TYPE_STRING] = "text",  [WHYRST_TYPE_INTEGER] = "integer",
        [WHYRST_TYPE_FRAME] = "frame",  [WHYRST_TYPE_DURATION] = "seconds",
        [WHYRST_TYPE_TIME] = "time",    [WHYRST_TYPE_ADDRESS] = "address",
        [WHYRST_TYPE_STRINGS] = "list",
    };
    static const struct {
        unsigned bit;
        const char *note;
    } notes[] = {
        {WHYRST_ON_RST, ""},
        {WHYRST_ON_CONNECTION, " (connections only)"},
    };

    for (unsigned n = 0; n < G_N_ELEMENTS(notes); n++) {
        for (unsigned i = 0; i < WHYRST_FIELD_COUNT; i++) {
            const struct whyrst_field_info *field = whyrst_field_info((enum whyrst_field)i);
            bool listed = n > 0 && field->bits & notes[0].bit;

            if (field->bits & notes[n].bit && !listed) {
                printf("%-24s %-8s %s%s\n", field->name, types[field->type], field->help,
                       notes[n].note);
            }
        }
    }
}
