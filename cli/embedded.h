/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Text files that the build put into the program. */
#ifndef CLI_EMBEDDED_H
#define CLI_EMBEDDED_H

/** What a database begins with, and what follows once its columns are there. */
extern const char embedded_tables[];
extern const char embedded_views[];

#endif
