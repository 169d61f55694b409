/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * Standard error: messages and the progress bar, which must not garble each other.
 */
#ifndef CLI_CONSOLE_H
#define CLI_CONSOLE_H

#include <stdint.h>

/** Writes "whyrst: " and the text as one line; control characters in it are escaped. */
void console_message(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** Writes "whyrst: NAME: REASON" for a file; "-" is standard input. */
void console_failure(const char *name, const char *reason);
/** Draws the bar: @done of @total bytes, or only how many when @total is 0 (a pipe). */
void console_progress(uint64_t done, uint64_t total);
/** Wipes the bar, before something else goes to the terminal. */
void console_clear(void);

#endif
