/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words for evidence: the templates of evidence.def with their figures filled in. */
#include <string.h>

#include "bytes/strbuf.h"
#include "verdict/cause.h"
#include "verdict/words.h"

#define EVIDENCE(id, text) text,
static const char *const templates[] = {
#include "verdict/evidence.def"
};
#undef EVIDENCE

static void add_figure(struct strbuf *s, const struct evidence *evidence, const char *name)
{
    int64_t number = name[0] == 'x' ? evidence->expected : evidence->observed;

    if (name[0] == 't') {
        strbuf_add(s, evidence->text ? evidence->text : "");
    } else if (name[0] == 'f') {
        strbuf_add_number(s, evidence->frame);
    } else if (name[1] == 'd') {
        words_duration(s, number);
    } else if (name[1] == 'b') {
        strbuf_add_number(s, number);
        strbuf_add(s, number == 1 ? " byte" : " bytes");
    } else if (name[1] == 'h') {
        words_alert(s, (uint8_t)(number >> 8), (uint8_t)number);
    } else {
        strbuf_add_number(s, number);
    }
}

const char *evidence_word(const struct evidence *evidence, char *buffer, size_t size)
{
    struct strbuf s = strbuf_make(buffer, size);
    const char *p = templates[evidence->kind];

    strbuf_add(&s, evidence->against ? "against it: " : "");
    while (*p) {
        const char *open = strchr(p, '{');
        const char *close = open ? strchr(open, '}') : NULL;

        if (!close) {
            strbuf_add(&s, p);
            break;
        }
        strbuf_add_part(&s, p, (size_t)(open - p));
        add_figure(&s, evidence, open + 1);
        p = close + 1;
    }
    return buffer;
}
