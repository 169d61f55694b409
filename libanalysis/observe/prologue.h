/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * Dialogues that lead to another protocol on the same connection: SOCKS, the PROXY header, and
 * the ways to start TLS in a connection that began without (HTTP's CONNECT is http1.c's).
 *
 * prologue.c has what they share and the short ones (PROXY, PostgreSQL, MySQL), socks.c SOCKS,
 * starttls.c the texts (SMTP, IMAP, POP3, FTP, NNTP, ManageSieve; XMPP), ldap.c LDAP, rdp.c Remote
 * Desktop.
 */
#ifndef OBSERVE_PROLOGUE_H
#define OBSERVE_PROLOGUE_H

#include "observe/detect.h"
#include "observe/observer.h"
#include "observe/stream.h"

/** Longest tag of an IMAP command kept. */
#define PROLOGUE_TAG_MAX 31u

/** How far the two sides are; what an answer means depends on it. */
enum prologue_progress {
    PROLOGUE_TALKING, /**< nothing asked that leads elsewhere */
    PROLOGUE_ASKED,   /**< the client has asked to switch and waits */
    PROLOGUE_GRANTED, /**< both streams begin anew */
    PROLOGUE_REFUSED, /**< the dialogue is over, and failed */
    PROLOGUE_FOREIGN, /**< it was something else, or went on without a switch */
};

/**
 * struct prologue - a dialogue
 * @kind:     a protocol of detect.h
 * @progress: see above
 * @step:     per side: which piece of the dialogue comes next
 * @need:     per side: bytes of that piece, where they vary
 * @inside:   per side: a message has begun and is not complete
 * @left:     per side: it has gone over to the next protocol
 * @lost:     per side: bytes of the dialogue are missing
 * @owed:     the client waits for an answer
 * @tunnel:   granted: what follows is another connection's payload
 * @turn:     text: the server has spoken since the client's last line
 * @failed:   SOCKS: the answer under way refuses
 * @bytes:    of the dialogue so far (LIMIT_PROLOGUE)
 * @within:   within a tunnel: a proxy behind the first one is not noted
 * @port, @address: SOCKS: of the target; the address's type and first byte
 * @proxy:    what was asked and answered, or NULL; owned
 * @tag:      IMAP: of the STARTTLS command; "" elsewhere
 */
struct prologue {
    enum detected kind;
    enum prologue_progress progress;
    uint8_t step[2];
    uint32_t need[2];
    bool inside[2];
    bool left[2];
    bool lost[2];
    bool owed;
    bool tunnel;
    bool turn;
    bool failed;
    bool within;
    uint16_t port;
    uint8_t address[2];
    uint32_t bytes;
    struct observe_proxy *proxy;
    char tag[PROLOGUE_TAG_MAX + 1];
};

struct prologue *prologue_new(enum detected kind);
void prologue_free(struct prologue *p);
void prologue_describe(const struct prologue *p, const struct stream streams[2],
                       struct observe_state *out);
extern const struct parser prologue_parser;

/** struct dialogue - what one kind of prologue wants and does; as in struct parser */
struct dialogue {
    struct want (*want)(const struct prologue *p, enum observe_side side);
    void (*unit)(struct prologue *p, enum observe_side side, const struct unit *unit);
    void (*skipped)(struct prologue *p, enum observe_side side);
    bool text; /**< free text: it may go on for long, and its phase is not known */
};

/* socks.c */
extern const struct dialogue socks4_dialogue;
extern const struct dialogue socks5_dialogue;
/* starttls.c */
extern const struct dialogue text_dialogue;
extern const struct dialogue xmpp_dialogue;
/* ldap.c */
extern const struct dialogue ldap_dialogue;
/* rdp.c */
extern const struct dialogue rdp_dialogue;

/** The next piece of @side: @step, of @need bytes where they vary. */
void prologue_next(struct prologue *p, enum observe_side side, uint8_t step, uint32_t need);
/** A message of @side is complete. */
void prologue_message(struct prologue *p, enum observe_side side);
/** The switch is granted: both sides begin anew. */
void prologue_grant(struct prologue *p);

#endif
