/* SPDX-License-Identifier: GPL-2.0-or-later */
/** The page of --format=html: page/, and the library that draws its chart. */
#ifndef CLI_PAGE_H
#define CLI_PAGE_H

#include "report/html.h"

/** RSTs in one page: what browsers sort and search at once; and of each capture, if there are many.
 */
#define PAGE_RESETS      250000u
#define PAGE_RESETS_EACH 100u

extern const struct html_page page;

#endif
