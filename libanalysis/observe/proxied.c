/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/proxied.h"

#include <string.h>

#include <arpa/inet.h>
#include <glib.h>

#include "bytes/strbuf.h"

void proxied_ask(struct observe_proxy **proxy, enum observe_proxy_kind kind)
{
    if (!*proxy) {
        *proxy = g_new(struct observe_proxy, 1);
    }
    **proxy = (struct observe_proxy){.kind = kind};
}

void proxied_target(struct observe_proxy *proxy, const void *host, size_t length, int port)
{
    const uint8_t *bytes = host;
    struct strbuf s;

    if (!proxy) {
        return;
    }
    s = strbuf_make(proxy->target, sizeof proxy->target);
    for (size_t i = 0; i < length; i++) {
        strbuf_add_char(&s, g_ascii_isgraph(bytes[i]) ? (char)bytes[i] : '?');
    }
    if (port >= 0) {
        strbuf_addf(&s, ":%d", port);
    }
}

void proxied_address(struct observe_proxy *proxy, const uint8_t *address, size_t length, int port)
{
    char text[INET6_ADDRSTRLEN + 2] = "";

    if (length == 4) {
        inet_ntop(AF_INET, address, text, sizeof text);
    } else {
        inet_ntop(AF_INET6, address, text + 1, sizeof text - 1);
        text[0] = '[';
        g_strlcat(text, "]", sizeof text);
    }
    proxied_target(proxy, text, strlen(text), port);
}

void proxied_answer(struct observe_proxy *proxy, bool granted, uint16_t reply, uint64_t frame)
{
    if (proxy) {
        proxy->granted = granted;
        proxy->reply = reply;
        proxy->answered = true;
        proxy->frame = frame;
    }
}
