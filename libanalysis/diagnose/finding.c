/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diagnose/finding.h"

#include <string.h>

#define KIND(id, name, text) {name, text},

static const struct {
    const char *name;
    const char *text;
} kinds[] = {WHYRST_FINDING_KINDS(KIND)};

/* What to do, by kind; a finder may know better. */
static const char *const advice[WHYRST_FINDING_COUNT] = {
    [WHYRST_FINDING_TLS_FINGERPRINT_BLOCK] =
        "Offer the ClientHello of a client that is accepted (another TLS library or profile), or "
        "have the JA4 allowed by whoever filters.",
    [WHYRST_FINDING_SNI_BLOCK] =
        "Not the client: ask whoever filters why this name is blocked, or the server's owner "
        "whether it serves it.",
    [WHYRST_FINDING_SPLIT_HELLO] =
        "Have whoever reads ClientHellos (a device on the path, or the server) put segments "
        "together; until then make them shorter: no post-quantum key share, no long tickets.",
    [WHYRST_FINDING_IP_BLOCK] =
        "Ask for the client's address to be taken off the list (firewall, fail2ban, WAF), or use "
        "another one; more attempts prolong most bans.",
    [WHYRST_FINDING_RATE_LIMIT] =
        "Open fewer connections: reuse them, put a limit of your own below the server's, and back "
        "off after a reset.",
    [WHYRST_FINDING_DEAD_NODE] = "Take the node out of rotation, then see whether it runs at all.",
    [WHYRST_FINDING_WRONG_PORT] =
        "The host is up: check the port that is configured, and whether the service listens there.",
    [WHYRST_FINDING_SERVICE_DOWN] =
        "Look at what happened to the service at that moment: crash, deployment, out of memory.",
    [WHYRST_FINDING_FLAPPING] =
        "Look for a service that restarts again and again, or a health check that comes and goes.",
    [WHYRST_FINDING_LOOPBACK_TRAP] =
        "Inside a container or another host \"localhost\" is that container or host itself: use "
        "the service's own name or address.",
    [WHYRST_FINDING_UNANSWERED] =
        "A firewall that drops, or a host that is off or not there: look at the path, not at the "
        "service.",
    [WHYRST_FINDING_UNREACHABLE] =
        "Look at the device that sends the ICMP error: routes and rules.",
    [WHYRST_FINDING_REJECTED] = "Look for a REJECT rule on the device before the host.",
    [WHYRST_FINDING_PROXY_FAILURE] =
        "The proxy itself fails or denies: look at its log, its limits and your credentials.",
    [WHYRST_FINDING_PROXY_TARGET] =
        "The proxy works: look at the targets that it cannot reach, or at how it resolves them.",
    [WHYRST_FINDING_PROCESS_EXIT] =
        "Look for a crash, an out-of-memory kill or a restart at that time; drain connections "
        "before stopping.",
    [WHYRST_FINDING_ROLLING_DEPLOYMENT] =
        "Drain before close: take a node out of rotation, let its connections end, then stop it.",
    [WHYRST_FINDING_FAIL_OVER] =
        "Connections do not survive the fail-over: let clients reconnect at once, with back-off, "
        "and repeat only idempotent requests.",
    [WHYRST_FINDING_IDLE_TIMER] =
        "Keep connections busy below the timer (keep-alive), or close them in the client before "
        "it; repeat only idempotent requests that met the RST.",
    [WHYRST_FINDING_RESET_RATE] =
        "Look at the causes of its resets; repeat with back-off only what is idempotent.",
    [WHYRST_FINDING_REFUSAL_RATE] =
        "Look for a dead backend among several behind the address, for a limit on connections, for "
        "a service that restarts; try again with back-off.",
};

/* How much a connection that shows it matters in the ranking: causes before symptoms. */
static double severity(enum whyrst_finding_kind kind)
{
    switch (kind) {
    case WHYRST_FINDING_TLS_FINGERPRINT_BLOCK:
    case WHYRST_FINDING_SNI_BLOCK:
    case WHYRST_FINDING_SPLIT_HELLO:
    case WHYRST_FINDING_IP_BLOCK:
    case WHYRST_FINDING_RATE_LIMIT:
    case WHYRST_FINDING_SERVICE_DOWN:
    case WHYRST_FINDING_ROLLING_DEPLOYMENT:
    case WHYRST_FINDING_FAIL_OVER:
        return 4;
    case WHYRST_FINDING_RESET_RATE:
    case WHYRST_FINDING_REFUSAL_RATE:
        return 1;
    case WHYRST_FINDING_UNANSWERED:
    case WHYRST_FINDING_WRONG_PORT:
        return 1.5;
    default:
        return 2;
    }
}

const char *whyrst_finding_kind_name(enum whyrst_finding_kind kind)
{
    return (unsigned)kind < WHYRST_FINDING_COUNT ? kinds[kind].name : "";
}

const char *whyrst_finding_kind_text(enum whyrst_finding_kind kind)
{
    return (unsigned)kind < WHYRST_FINDING_COUNT ? kinds[kind].text : "";
}

struct whyrst_finding *finding_add(GPtrArray *findings, enum whyrst_finding_kind kind,
                                   enum whyrst_confidence confidence)
{
    struct whyrst_finding *finding = g_new0(struct whyrst_finding, 1);

    finding->kind = kind;
    finding->confidence = confidence;
    finding->p = -1;
    finding->evidence = g_ptr_array_new_with_free_func(g_free);
    finding->advice = advice[kind];
    g_ptr_array_add(findings, finding);
    return finding;
}

void finding_free(void *data)
{
    struct whyrst_finding *finding = data;

    g_free(finding->text);
    g_free(finding->server);
    g_free(finding->client);
    g_free(finding->sni);
    g_free(finding->ja4);
    g_ptr_array_unref(finding->evidence);
    frames_clear(&finding->places);
    g_free(finding->frames_file);
    g_free(finding->open);
    g_free(finding);
}

void finding_count(struct whyrst_finding *finding, uint64_t resets, uint64_t connections)
{
    static const double sure[] = {[WHYRST_CONFIDENCE_LOW] = 0.3,
                                  [WHYRST_CONFIDENCE_MEDIUM] = 0.6,
                                  [WHYRST_CONFIDENCE_HIGH] = 1};

    finding->resets = resets;
    finding->connections = connections;
    finding->share = stats_share(resets, connections);
    finding->weight = (double)resets * severity(finding->kind) * sure[finding->confidence];
}

void finding_sender(struct whyrst_finding *finding, enum whyrst_sender sender)
{
    finding->sender = sender;
    finding->has_sender = true;
}

void finding_text(struct whyrst_finding *finding, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_free(finding->text);
    finding->text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
}

void finding_evidence(struct whyrst_finding *finding, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_ptr_array_add(finding->evidence, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

/* Heaviest first; then an order that is always the same. */
static gint compare(gconstpointer a, gconstpointer b)
{
    const struct whyrst_finding *x = *(const struct whyrst_finding *const *)a;
    const struct whyrst_finding *y = *(const struct whyrst_finding *const *)b;

    if (x->weight < y->weight || x->weight > y->weight) {
        return x->weight > y->weight ? -1 : 1;
    }
    return x->kind != y->kind ? (int)x->kind - (int)y->kind : g_strcmp0(x->text, y->text);
}

uint64_t findings_rank(GPtrArray *findings)
{
    unsigned of_kind[WHYRST_FINDING_COUNT] = {0};
    uint64_t left_out = 0;
    guint kept = 0;

    g_ptr_array_sort(findings, compare);
    for (guint i = 0; i < findings->len; i++) {
        struct whyrst_finding *finding = g_ptr_array_index(findings, i);

        if (of_kind[finding->kind]++ >= LIMIT_FINDINGS) {
            finding_free(finding);
            left_out++;
            continue;
        }
        findings->pdata[kept++] = finding;
        finding->rank = kept;
    }
    findings->len = kept; /* what lies beyond has moved or is freed */
    return left_out;
}

/* The file that has most of the frames; the first of several. */
static uint32_t best_file(const struct frames *frames)
{
    const struct place *places = frames_places(frames);
    uint32_t best = 0, best_count = 0;

    for (uint32_t i = 0; i < frames->count;) {
        uint32_t end = i;

        while (end < frames->count && places[end].file == places[i].file) {
            end++;
        }
        if (end - i > best_count) {
            best = places[i].file;
            best_count = end - i;
        }
        i = end;
    }
    return best;
}

static char *open_command(const struct whyrst_finding *finding)
{
    GString *command = g_string_new("tshark -r ");
    char *quoted = g_shell_quote(finding->frames_file);

    g_string_append_printf(command, "%s -Y 'frame.number in {", quoted);
    for (unsigned i = 0; i < finding->frame_count; i++) {
        g_string_append_printf(command, "%s%" G_GUINT64_FORMAT, i ? "," : "", finding->frames[i]);
    }
    g_string_append(command, "}'");
    g_free(quoted);
    return g_string_free(command, FALSE);
}

/* In a capture of several files a frame's own file follows from its number. */
static void tell_located(struct whyrst_finding *finding, whyrst_locate locate, void *context)
{
    const struct place *places = frames_places(&finding->places);

    for (uint32_t i = 0; i < finding->places.count; i++) {
        const char *name = NULL;
        uint64_t frame = locate(context, places[i].frame, &name);

        if (name && !finding->frames_file) {
            finding->frames_file = g_strdup(name);
        }
        if (name && strcmp(name, finding->frames_file) == 0) {
            finding->frames[finding->frame_count++] = frame;
        }
    }
}

void finding_tell_frames(struct whyrst_finding *finding, const GPtrArray *files,
                         whyrst_locate locate, void *context)
{
    const struct place *places = frames_places(&finding->places);
    uint32_t file = best_file(&finding->places);

    if (finding->frame_count) {
        return; /* settled, and told when conclusions were drawn before */
    }
    if (locate) {
        tell_located(finding, locate, context);
    } else {
        finding->frames_file = file < files->len ? g_strdup(g_ptr_array_index(files, file)) : NULL;
        for (uint32_t i = 0; i < finding->places.count; i++) {
            if (places[i].file == file) {
                finding->frames[finding->frame_count++] = places[i].frame;
            }
        }
    }
    if (finding->frame_count && finding->frames_file) {
        finding->open = open_command(finding);
    }
}
