/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For builds without SQLite. */
#include "loader.h"

#include <glib.h>

bool loader_is_available(void)
{
    return false;
}

struct loader *loader_start(const char *path, int *fd, char **message)
{
    (void)path;
    (void)fd;
    *message = g_strdup("built without SQLite");
    return NULL;
}

void loader_complete(int fd)
{
    (void)fd;
}

char *loader_finish(struct loader *loader)
{
    (void)loader;
    return NULL;
}
