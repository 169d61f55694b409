/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "destination.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "console.h"
#include "input.h"
#include "loader.h"

/* Says why @name cannot be had. */
static enum exit_status refuse(const char *name, const char *reason, enum exit_status status)
{
    console_failure(name, reason);
    return status;
}

static bool is_input(const struct stat *out, char **inputs)
{
    struct stat in;

    for (char **input = inputs; *input; input++) {
        if (S_ISREG(out->st_mode) && input_stat(*input, &in) && in.st_dev == out->st_dev &&
            in.st_ino == out->st_ino) {
            return true;
        }
    }
    return false;
}

static enum exit_status open_database(struct destination *destination, char **inputs)
{
    struct stat out;
    char *message = NULL;

    if (stat(destination->name, &out) == 0 && is_input(&out, inputs)) {
        return refuse(destination->name, "is also an input", EXIT_USAGE);
    }
    destination->loader = loader_start(destination->name, &destination->fd, &message);
    if (message) {
        console_message("%s", message);
        g_free(message);
    }
    return destination->fd < 0 ? EXIT_NOT_ALL_READ : EXIT_ALL_READ;
}

static enum exit_status open_file(struct destination *destination, char **inputs)
{
    struct stat out;

    destination->fd = open(destination->name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (destination->fd < 0 || fstat(destination->fd, &out) < 0) {
        return refuse(destination->name, g_strerror(errno), EXIT_NOT_ALL_READ);
    }
    if (is_input(&out, inputs)) {
        close(destination->fd);
        return refuse(destination->name, "is also an input", EXIT_USAGE);
    }
    if (S_ISREG(out.st_mode) && ftruncate(destination->fd, 0) < 0) {
        int error = errno;

        close(destination->fd);
        return refuse(destination->name, g_strerror(error), EXIT_NOT_ALL_READ);
    }
    return EXIT_ALL_READ;
}

enum exit_status destination_open(struct destination *destination, const struct options *options,
                                  char **inputs)
{
    struct stat out;

    *destination = (struct destination){.fd = -1, .name = options->output};
    if (options->database) {
        return open_database(destination, inputs);
    }
    if (options->output && strcmp(options->output, "-") != 0) {
        return open_file(destination, inputs);
    }
    destination->fd = STDOUT_FILENO;
    destination->name = "standard output";
    if (fstat(STDOUT_FILENO, &out) == 0 && is_input(&out, inputs)) {
        return refuse(destination->name, "is also an input", EXIT_USAGE);
    }
    return EXIT_ALL_READ;
}

/* Whatever went wrong with the pipe, the process at its end has the reason. */
static bool close_database(struct destination *destination, int error)
{
    char *message;

    if (!error) {
        loader_complete(destination->fd);
    }
    close(destination->fd);
    message = loader_finish(destination->loader);
    if (message) {
        console_message("%s", message);
    }
    g_free(message);
    return !message;
}

bool destination_close(struct destination *destination, int error)
{
    if (destination->loader) {
        return close_database(destination, error);
    }
    if (error == EPIPE) {
        return true; /* the reader of a pipe may leave when it has seen enough (head) */
    }
    if (close(destination->fd) < 0 && !error) {
        error = errno;
    }
    if (error) {
        console_failure(destination->name, g_strerror(error));
    }
    return !error;
}
