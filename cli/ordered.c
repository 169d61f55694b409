/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ordered.h"
#include "write_all.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include <glib.h>

#include "console.h"

struct part {
    struct ordered *ordered;
    struct output out;
    size_t index;
    bool done;
    int spool; /* -1: none */
};

struct ordered {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int fd;
    int error;
    size_t count;
    size_t turn; /* the part that goes straight out */
    struct part *parts;
};

/* The functions down to drain() run with the lock held. */

static void emit(struct ordered *ordered, const char *data, size_t length)
{
    if (ordered->error || length == 0) {
        return;
    }
    console_clear();
    if (!write_all(ordered->fd, data, length)) {
        ordered->error = errno;
    }
}

static void emit_spool(struct part *part)
{
    char block[65536];
    off_t offset = 0;
    ssize_t n;

    if (part->spool < 0) {
        return;
    }
    while ((n = pread(part->spool, block, sizeof block, offset)) > 0) {
        emit(part->ordered, block, (size_t)n);
        offset += n;
    }
    if (n < 0 && !part->ordered->error) {
        part->ordered->error = errno;
    }
    close(part->spool);
    part->spool = -1;
}

static bool spool(struct part *part, const char *data, size_t length)
{
    off_t before;
    char *name = NULL;

    if (part->spool < 0) {
        part->spool = g_file_open_tmp("whyrst-XXXXXX", &name, NULL);
        if (part->spool < 0) {
            return false;
        }
        unlink(name);
        g_free(name);
    }
    before = lseek(part->spool, 0, SEEK_CUR);
    if (before >= 0 && write_all(part->spool, data, length)) {
        return true;
    }
    /* No room: what went out half is taken back, and the part waits for its turn. */
    return before >= 0 && ftruncate(part->spool, before) == 0 && false;
}

static bool drain(void *context, const char *data, size_t length)
{
    struct part *part = context;
    struct ordered *ordered = part->ordered;
    bool good;

    pthread_mutex_lock(&ordered->lock);
    if (part->index > ordered->turn && !spool(part, data, length)) {
        while (part->index > ordered->turn && !ordered->error) {
            pthread_cond_wait(&ordered->changed, &ordered->lock);
        }
    }
    if (part->index == ordered->turn) {
        emit_spool(part);
        emit(ordered, data, length);
    }
    good = !ordered->error;
    pthread_mutex_unlock(&ordered->lock);
    return good;
}

struct ordered *ordered_new(int fd, size_t parts)
{
    struct ordered *ordered = g_new0(struct ordered, 1);

    pthread_mutex_init(&ordered->lock, NULL);
    pthread_cond_init(&ordered->changed, NULL);
    ordered->fd = fd;
    ordered->count = parts;
    ordered->parts = g_new0(struct part, parts);
    for (size_t i = 0; i < parts; i++) {
        ordered->parts[i] = (struct part){.ordered = ordered, .index = i, .spool = -1};
    }
    return ordered;
}

void ordered_free(struct ordered *ordered)
{
    for (size_t i = 0; i < ordered->count; i++) {
        output_clear(&ordered->parts[i].out);
        if (ordered->parts[i].spool >= 0) {
            close(ordered->parts[i].spool);
        }
    }
    g_free(ordered->parts);
    pthread_cond_destroy(&ordered->changed);
    pthread_mutex_destroy(&ordered->lock);
    g_free(ordered);
}

struct output *ordered_start(struct ordered *ordered, size_t index)
{
    struct part *part = &ordered->parts[index];
    bool good;

    pthread_mutex_lock(&ordered->lock);
    while (index >= ordered->turn + ORDERED_AHEAD && !ordered->error) {
        pthread_cond_wait(&ordered->changed, &ordered->lock);
    }
    good = !ordered->error;
    pthread_mutex_unlock(&ordered->lock);
    if (!good) {
        return NULL;
    }
    output_init(&part->out, drain, part);
    return &part->out;
}

void ordered_end(struct ordered *ordered, size_t index)
{
    pthread_mutex_lock(&ordered->lock);
    ordered->parts[index].done = true;
    while (ordered->turn < ordered->count && ordered->parts[ordered->turn].done) {
        struct part *part = &ordered->parts[ordered->turn];

        emit_spool(part);
        emit(ordered, part->out.data, part->out.length);
        output_clear(&part->out);
        ordered->turn++;
    }
    pthread_cond_broadcast(&ordered->changed);
    pthread_mutex_unlock(&ordered->lock);
}

int ordered_error(struct ordered *ordered)
{
    int error;

    pthread_mutex_lock(&ordered->lock);
    error = ordered->error;
    pthread_mutex_unlock(&ordered->lock);
    return error;
}
