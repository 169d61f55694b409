/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "console.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "report/text.h"

#define BAR_COLUMNS 30u
#define CLEAR_LINE  "\r\033[K"
#define MIB         (1024.0 * 1024.0)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool bar_visible;

/* With the lock held. */
static void clear_bar(void)
{
    if (bar_visible) {
        fputs(CLEAR_LINE, stderr);
        bar_visible = false;
    }
}

void console_message(const char *format, ...)
{
    char harmless[8192];
    struct strbuf s = strbuf_make(harmless, sizeof harmless);
    va_list args;
    char *text;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    text_safe(&s, text, 0);
    g_free(text);
    pthread_mutex_lock(&lock);
    clear_bar();
    fprintf(stderr, "whyrst: %s\n", harmless);
    pthread_mutex_unlock(&lock);
}

void console_failure(const char *name, const char *reason)
{
    console_message("%s: %s",
                    strcmp(name, "-") == 0 ? "standard input"
                    : *name                ? name
                                           : "\"\"",
                    reason);
}

void console_progress(uint64_t done, uint64_t total)
{
    char bar[BAR_COLUMNS + 1];
    double share = total ? MIN(1.0, (double)done / (double)total) : 0.0;
    unsigned full = (unsigned)(share * BAR_COLUMNS);

    memset(bar, '.', BAR_COLUMNS);
    memset(bar, '#', full);
    bar[BAR_COLUMNS] = '\0';
    pthread_mutex_lock(&lock);
    if (total) {
        fprintf(stderr, "\r[%s] %3u %%  %.1f of %.1f MiB\033[K", bar, (unsigned)(share * 100),
                (double)done / MIB, (double)total / MIB);
    } else {
        fprintf(stderr, "\r%.1f MiB read\033[K", (double)done / MIB);
    }
    fflush(stderr);
    bar_visible = true;
    pthread_mutex_unlock(&lock);
}

void console_clear(void)
{
    pthread_mutex_lock(&lock);
    clear_bar();
    pthread_mutex_unlock(&lock);
}
