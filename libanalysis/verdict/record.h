/* SPDX-License-Identifier: GPL-2.0-or-later */
/** A record's inside: what the getters of whyrst/record.h read. */
#ifndef VERDICT_RECORD_H
#define VERDICT_RECORD_H

#include <whyrst/record.h>

#include "verdict/cause.h"
#include "verdict/facts.h"

/** struct record_texts - short texts, made when asked for */
struct record_texts {
    char address[2][48];
    char timer[160];
    char alert[48];
};

/**
 * struct record_words - the verdict and its texts, made when asked for: many records wait for
 * hindsight at once, and need not have them yet
 */
struct record_words {
    bool judged;
    bool evidence_worded;       /* @evidence is the judgement's */
    bool advice_worded;         /* @advice is, too */
    struct judgement judgement; /* valid when @judged */
    char *evidence[EVIDENCE_MAX];
    char *advice;
};

/**
 * struct whyrst_record - one RST's verdict, a FIN close or a connection's end
 * @references: owners; one engine's thread at a time
 * @key, @client: of the connection
 * @ja4 to @http_method: owned copies, NULL = absent; @ja4_r: a reference (GRefString)
 * @proxy:      what was asked of a proxy: an owned copy, NULL = nothing
 * @ja4_number, @sni_number: see struct observe_hello
 * @explicable: other connections may show another cause; a diagnosis says so
 * @hello_ns:   time of the ClientHello; valid when @hello_frame is not 0
 * @next:       next younger verdict in the engine's queue
 * @conn:       its connection while that is in the table and the verdict may be revised, else NULL
 * @older, @newer: neighbours among that connection's verdicts
 */
struct whyrst_record {
    int references;
    enum whyrst_record_kind kind;
    bool final;
    uint8_t client;
    struct flow_key key;
    uint64_t frame;
    int64_t time_ns;
    uint32_t stream;
    enum whyrst_close_type close_type;
    uint64_t bytes[2]; /* client, server */

    char *ja4;
    char *ja4_r;
    char *ja4_retry;
    char *sni;
    char *alpn;
    const char *tls_version;
    uint64_t hello_frame;
    int64_t hello_ns;
    uint32_t ja4_number;
    uint32_t sni_number;
    bool explicable;

    char *http_method;
    struct observe_proxy *proxy;
    char *reset_text;
    const char *conn_state;
    char history[CONN_HISTORY + 1];
    uint32_t syn_frame;
    int64_t syn_ns;  /* of the first SYN */
    int64_t irtt_ns; /* -1 = unknown */
    int64_t ttfb_ns; /* -1 = unknown */
    uint64_t duplicate_of;

    uint64_t packets;
    uint64_t resets;
    int64_t duration_ns;

    struct rst_facts facts;
    struct whyrst_record *twin; /* the RST of which this is a second capture, or NULL */
    struct burst *burst;        /* resets of the same endpoint in the same instant, or NULL */
    struct record_words *words; /* NULL until something is asked for */
    struct record_texts *texts; /* the same */

    struct whyrst_record *next;
    struct conn *conn;
    struct whyrst_record *older;
    struct whyrst_record *newer;
};

/** A record of @conn with what all kinds share; the caller owns the reference. */
struct whyrst_record *record_new(enum whyrst_record_kind kind, const struct conn *conn);
/** A copy of @record that knows no connection, no other record and no verdict yet. */
struct whyrst_record *record_copy(const struct whyrst_record *record);
/** The record's words and texts, which may be made anew behind a const getter. */
struct record_words *record_words(const struct whyrst_record *record);
struct record_texts *record_texts(const struct whyrst_record *record);
/** Asks the processor for the memory of @record; some time later, of its words. */
void record_prefetch(const struct whyrst_record *record);
void record_prefetch_words(const struct whyrst_record *record);
/** The verdict must be weighed anew when next asked for. */
void record_revise(struct whyrst_record *record);
/** Copies what the RST says of itself. */
void record_copy_text(struct whyrst_record *record, const struct whyrst_segment *rst);
/** The record itself or, of a second capture, that of the first: theirs is one verdict. */
const struct whyrst_record *record_original(const struct whyrst_record *record);
/** The verdict on cause and sender, weighed when first asked for and again after revisions. */
const struct judgement *record_judgement(const struct whyrst_record *record);
/** Tells @record what other connections say of its RST; NULL takes it back. */
void record_explain(struct whyrst_record *record, struct across *across);
/** Copies the names that belong to the ClientHello and the HTTP message under way. */
void record_copy_names(struct whyrst_record *record, const struct observe_state *state);

#endif
