/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Figures for people: durations and TLS alerts in words. */
#ifndef VERDICT_WORDS_H
#define VERDICT_WORDS_H

#include <stdint.h>

#include "bytes/strbuf.h"

/** Adds a duration: "120 µs", "3.2 ms", "61.0 s". */
void words_duration(struct strbuf *s, int64_t ns);
/** Adds an IPv4 or IPv6 address. */
void words_address(struct strbuf *s, uint8_t version, const uint8_t address[16]);
/** Adds a TLS alert: "fatal unknown_ca". */
void words_alert(struct strbuf *s, uint8_t level, uint8_t description);

#endif
