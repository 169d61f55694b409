/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our own reader looks first. What it does not know goes to libwiretap, which wants a path: pipes
 * are spooled to a temporary file.
 */
#include "input.h"
#include "write_all.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "stop.h"
#include "wiretap.h"

struct input {
    int fd;
    bool live;
    struct stop stop;
    struct whyrst_capture *capture; /* either this */
    struct wiretap *wiretap;        /* or that */
};

bool input_stat(const char *path, struct stat *info)
{
    return (strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, info) : stat(path, info)) == 0;
}

/* A FIFO is opened without waiting for its writer: stop_wait() does that, which can be ended. */
static int open_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd >= 0) {
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    }
    return fd;
}

static int open_path(const char *path, struct stat *info, char **message)
{
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open_file(path);

    if (fd < 0 || fstat(fd, info) < 0) {
        *message = g_strdup(g_strerror(errno));
    } else if (S_ISDIR(info->st_mode)) {
        *message = g_strdup("is a directory; --continue takes one that holds captures");
    } else if (S_ISREG(info->st_mode) && info->st_size == 0) {
        *message = g_strdup("is empty: not even a capture header");
    } else if (isatty(fd)) {
        *message = g_strdup("is a terminal; pipe a capture into it (tcpdump -w - | whyrst -)");
    } else {
        return fd;
    }
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

static bool copy_rest(struct stop *from, int to)
{
    uint8_t block[65536];
    ssize_t n;

    do {
        n = stop_wait(from) ? read(from->fd, block, sizeof block) : 0;
        if (n > 0 && !write_all(to, block, (size_t)n)) {
            return false;
        }
    } while (n > 0 || (n < 0 && errno == EINTR));
    return n == 0;
}

/*
 * Puts @peeked and the rest of the pipe into a temporary file; returns its descriptor, or -1. It
 * has no name while it fills, so that nothing is left of it however the program ends.
 */
static int spool(struct stop *pipe, const uint8_t *peeked, size_t length, char **message)
{
    char *name = NULL;
    GError *error = NULL;
    int fd = g_file_open_tmp("whyrst-XXXXXX", &name, &error);

    if (fd < 0) {
        *message = g_strdup(error->message);
        g_error_free(error);
        return -1;
    }
    unlink(name);
    g_free(name);
    if (!write_all(fd, peeked, length) || !copy_rest(pipe, fd)) {
        *message =
            g_strdup_printf("cannot copy the pipe to a temporary file: %s", g_strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

static struct wiretap *open_wiretap(struct input *input, const char *path, const uint8_t *peeked,
                                    size_t length, char **message)
{
    enum whyrst_capture_status status;
    struct wiretap *wiretap;
    char spooled[32];
    int fd;

    if (!input->live) {
        /* Standard input, which libwiretap calls "-" as well, may stand where we stopped reading.
         */
        lseek(input->fd, 0, SEEK_SET);
        return wiretap_open(path, &status, message);
    }
    if (length == 0) {
        *message = g_strdup("is empty: no capture came through the pipe");
        return NULL;
    }
    fd = spool(&input->stop, peeked, length, message);
    if (fd < 0) {
        return NULL;
    }
    g_snprintf(spooled, sizeof spooled, "/proc/self/fd/%d", fd);
    wiretap = wiretap_open(spooled, &status, message);
    close(fd);
    return wiretap;
}

struct input *input_open(const char *path, char **message)
{
    enum whyrst_capture_status status = WHYRST_CAPTURE_OK;
    struct stat info;
    uint8_t *peeked = NULL;
    size_t length = 0;
    struct input *input;
    int fd = open_path(path, &info, message);

    if (fd < 0) {
        return NULL;
    }
    input = g_new0(struct input, 1);
    input->fd = fd;
    input->live = !S_ISREG(info.st_mode);
    input->stop.fd = fd;
    input->capture = whyrst_capture_open_waiting(fd, input->live ? stop_wait : NULL, &input->stop,
                                                 &status, &peeked, &length, message);
    if (!input->capture && status == WHYRST_CAPTURE_UNKNOWN) {
        g_clear_pointer(message, g_free);
        input->wiretap = open_wiretap(input, path, peeked, length, message);
    }
    g_free(peeked);
    if (!input->capture && !input->wiretap) {
        input_close(input);
        return NULL;
    }
    return input;
}

enum whyrst_capture_status input_next(struct input *input, struct whyrst_frame *frame)
{
    return input->capture ? whyrst_capture_next(input->capture, frame)
                          : wiretap_next(input->wiretap, frame);
}

size_t input_more(struct input *input, struct whyrst_frame *frames, size_t max)
{
    return input->capture ? whyrst_capture_more(input->capture, frames, max) : 0;
}

const char *input_message(const struct input *input)
{
    return input->capture ? whyrst_capture_message(input->capture)
                          : wiretap_message(input->wiretap);
}

uint64_t input_offset(const struct input *input)
{
    return input->capture ? whyrst_capture_offset(input->capture) : wiretap_offset(input->wiretap);
}

bool input_is_live(const struct input *input)
{
    return input->live;
}

bool input_was_stopped(const struct input *input)
{
    return input->stop.stopped;
}

void input_close(struct input *input)
{
    if (!input) {
        return;
    }
    whyrst_capture_free(input->capture);
    wiretap_close(input->wiretap);
    close(input->fd);
    g_free(input);
}
