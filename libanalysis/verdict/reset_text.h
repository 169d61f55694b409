/* SPDX-License-Identifier: GPL-2.0-or-later */
/** What a RST says of itself: diagnostic payloads, ASCII reasons, MP_TCPRST. */
#ifndef VERDICT_RESET_TEXT_H
#define VERDICT_RESET_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whyrst/segment.h>

/** Words the RST's payload into @buffer; "" when it says nothing. Returns @buffer. */
const char *reset_text_read(const struct whyrst_segment *rst, char *buffer, size_t size);
/** Whether the payload is one that a known injecting device sends. */
bool reset_text_is_injector(const struct whyrst_segment *rst);
/** Whether the payload is a reason by draft-ietf-tcpm-rst-diagnostic-payload. */
bool reset_text_is_diagnostic(const struct whyrst_segment *rst);
/** The reason of an MP_TCPRST option (RFC 8684 section 3.6); static string. */
const char *reset_text_mptcp(uint8_t reason);

#endif
