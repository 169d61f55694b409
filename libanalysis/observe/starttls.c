/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text protocols in which TLS starts on request: a command of the client, the server's go-ahead.
 *
 * | protocol             | command           | go-ahead   | refusal     | defined in      |
 * | SMTP, LMTP           | STARTTLS          | 220        | 4xx, 5xx    | RFC 3207        |
 * | FTP                  | AUTH TLS          | 234        | 4xx, 5xx    | RFC 4217        |
 * | NNTP                 | STARTTLS          | 382        | 4xx, 5xx    | RFC 4642        |
 * | POP3                 | STLS              | +OK        | -ERR        | RFC 2595        |
 * | IMAP                 | tag STARTTLS      | tag OK     | tag NO, BAD | RFC 3501        |
 * | ManageSieve          | STARTTLS          | OK         | NO, BYE     | RFC 5804        |
 * | XMPP                 | <starttls>        | <proceed>  | <failure>   | RFC 6120        |
 *
 * No two of them contradict each other, so that lines are read without knowing which one it is.
 */
#include "observe/prologue.h"

#include <string.h>

#include <glib.h>

enum {
    LINE_MAX_LENGTH = 512, /* RFC 5321 section 4.5.3.1: of a command; the rest is passed over */
    TAG_MAX_LENGTH = 1024,
};

enum { XMPP_TAGS, XMPP_OPEN, XMPP_WAIT };

/** A word of @line, ended by a blank or the line's end; moves @line behind it. */
static size_t next_word(const char **line, const char *end, const char **word)
{
    const char *at = *line;

    while (at < end && *at == ' ') {
        at++;
    }
    *word = at;
    while (at < end && *at != ' ' && *at != '\r' && *at != '\n') {
        at++;
    }
    *line = at;
    return (size_t)(at - *word);
}

static bool is_word(const char *word, size_t length, const char *expected)
{
    return length == strlen(expected) && g_ascii_strncasecmp(word, expected, length) == 0;
}

/** Whether the client's line asks for TLS; notes IMAP's tag. */
static bool asks_for_tls(struct prologue *p, const struct unit *unit)
{
    const char *at = (const char *)unit->bytes;
    const char *end = at + unit->length;
    const char *first;
    const char *second;
    size_t first_length = next_word(&at, end, &first);
    size_t second_length = next_word(&at, end, &second);

    p->tag[0] = '\0';
    if (second_length == 0) {
        return is_word(first, first_length, "STARTTLS") || is_word(first, first_length, "STLS");
    }
    if (is_word(first, first_length, "AUTH")) {
        return is_word(second, second_length, "TLS") || is_word(second, second_length, "SSL") ||
               is_word(second, second_length, "TLS-C") || is_word(second, second_length, "TLS-P");
    }
    if (is_word(second, second_length, "STARTTLS") && first_length <= PROLOGUE_TAG_MAX) {
        memcpy(p->tag, first, first_length);
        p->tag[first_length] = '\0';
        return true;
    }
    return false;
}

enum answer { ANSWER_OTHER, ANSWER_YES, ANSWER_NO };

/** A reply by number: three digits, then a hyphen if more lines of it follow (RFC 5321 4.2.1). */
static enum answer numbered_answer(const char *word, size_t length)
{
    if (length != 3 || !g_ascii_isdigit(word[0])) {
        return ANSWER_OTHER;
    }
    if (is_word(word, length, "220") || is_word(word, length, "234") ||
        is_word(word, length, "382")) {
        return ANSWER_YES;
    }
    return word[0] == '4' || word[0] == '5' ? ANSWER_NO : ANSWER_OTHER;
}

/** What the server's line says to the request for TLS. */
static enum answer read_answer(const struct prologue *p, const struct unit *unit)
{
    const char *at = (const char *)unit->bytes;
    const char *end = at + unit->length;
    const char *word;
    size_t length = next_word(&at, end, &word);

    if (p->tag[0]) {
        if (!is_word(word, length, p->tag)) {
            return ANSWER_OTHER; /* IMAP: an untagged line, or another command's */
        }
        length = next_word(&at, end, &word);
    }
    if (is_word(word, length, "OK") || is_word(word, length, "+OK")) {
        return ANSWER_YES;
    }
    if (is_word(word, length, "NO") || is_word(word, length, "BAD") ||
        is_word(word, length, "BYE") || is_word(word, length, "-ERR")) {
        return ANSWER_NO;
    }
    return p->tag[0] ? ANSWER_OTHER : numbered_answer(word, length);
}

static void on_answer(struct prologue *p, enum answer answer)
{
    if (answer == ANSWER_OTHER || p->progress != PROLOGUE_ASKED) {
        return;
    }
    prologue_message(p, OBSERVE_SERVER);
    if (answer == ANSWER_YES) {
        prologue_grant(p);
    } else {
        p->progress = PROLOGUE_TALKING;
    }
}

static struct want text_want(const struct prologue *p, enum observe_side side)
{
    /* Between its request and the answer a client sends nothing, unless it starts TLS. It may also
     * start TLS in its turn, unasked or after an answer not understood here. */
    if (side == OBSERVE_CLIENT && (p->progress == PROLOGUE_ASKED || p->turn)) {
        return (struct want){.kind = WANT_HOLD};
    }
    return (struct want){.kind = WANT_UNTIL, .length = LINE_MAX_LENGTH, .stop = '\n'};
}

static void text_unit(struct prologue *p, enum observe_side side, const struct unit *unit)
{
    if (side == OBSERVE_SERVER) {
        p->turn = true;
        on_answer(p, read_answer(p, unit));
    } else if (asks_for_tls(p, unit)) {
        prologue_message(p, side);
        p->progress = PROLOGUE_ASKED;
    }
}

const struct dialogue text_dialogue = {
    .want = text_want,
    .unit = text_unit,
    .text = true,
};

/** The tag that ends a unit: from its last '<'. */
static const char *last_tag(const struct unit *unit, size_t *length)
{
    const char *start = g_strrstr_len((const char *)unit->bytes, (gssize)unit->length, "<");

    *length = start ? unit->length - (size_t)(start - (const char *)unit->bytes) : 0;
    return start;
}

static bool tag_is(const char *tag, size_t length, const char *name)
{
    size_t n = strlen(name);

    return length > n && memcmp(tag, name, n) == 0 && !g_ascii_isalnum(tag[n]);
}

static bool is_closed(const char *tag, size_t length)
{
    return length >= 2 && tag[length - 2] == '/';
}

static struct want xmpp_want(const struct prologue *p, enum observe_side side)
{
    if (p->step[side] == XMPP_WAIT && p->progress == PROLOGUE_ASKED) {
        return (struct want){.kind = WANT_HOLD};
    }
    return (struct want){.kind = WANT_UNTIL, .length = TAG_MAX_LENGTH, .stop = '>'};
}

static void xmpp_client(struct prologue *p, const char *tag, size_t length)
{
    if (tag_is(tag, length, "<starttls")) {
        p->progress = PROLOGUE_ASKED;
        p->step[OBSERVE_CLIENT] = is_closed(tag, length) ? XMPP_WAIT : XMPP_OPEN;
    } else if (tag_is(tag, length, "</starttls")) {
        p->step[OBSERVE_CLIENT] = XMPP_WAIT;
    }
    if (p->step[OBSERVE_CLIENT] == XMPP_WAIT) {
        prologue_message(p, OBSERVE_CLIENT);
    }
}

static void xmpp_server(struct prologue *p, const char *tag, size_t length)
{
    bool proceed = tag_is(tag, length, "<proceed");

    if (proceed && !is_closed(tag, length)) {
        prologue_next(p, OBSERVE_SERVER, XMPP_OPEN, 0);
    } else if (proceed || tag_is(tag, length, "</proceed")) {
        on_answer(p, ANSWER_YES);
    } else if (tag_is(tag, length, "<failure")) {
        p->step[OBSERVE_CLIENT] = XMPP_TAGS;
        on_answer(p, ANSWER_NO);
    }
}

static void xmpp_unit(struct prologue *p, enum observe_side side, const struct unit *unit)
{
    size_t length;
    const char *tag = last_tag(unit, &length);

    if (!tag || unit->cut) {
        return;
    }
    if (side == OBSERVE_CLIENT) {
        xmpp_client(p, tag, length);
    } else {
        xmpp_server(p, tag, length);
    }
}

const struct dialogue xmpp_dialogue = {
    .want = xmpp_want,
    .unit = xmpp_unit,
    .text = true,
};
