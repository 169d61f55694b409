/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preferences. Wireshark redissects the file when one changes, so each engine has one set. */
#include "compat.h"

#include <epan/prefs.h>

#include "settings.h"

#define NANOSECONDS INT64_C(1000000000)

static guint idle_threshold = (guint)(WHYRST_IDLE_THRESHOLD_NS / NANOSECONDS);
static guint hindsight_wait = (guint)(WHYRST_HINDSIGHT_WAIT_NS / NANOSECONDS);
/* A text, since a share of a percent may be asked for. */
static const char *alert_rate = "2";
/* Off: the Info column is TCP's, and installing a plugin should not change what scripts read there.
 */
static rst_preference_bool info_column = false;

/**
 * settings_register - registers the preferences of the protocol @proto
 */
void settings_register(int proto)
{
    module_t *module = prefs_register_protocol(proto, NULL);

    prefs_register_uint_preference(
        module, "idle_threshold", "Idle threshold (seconds)",
        "A connection on which neither side owed the other anything and that was silent for this "
        "long before the RST has the origin idle-timeout; 0 means the default",
        10, &idle_threshold);
    prefs_register_uint_preference(
        module, "hindsight_wait", "Hindsight wait (seconds)",
        "For how long after a RST, in capture time, later packets may revise its cause and sender; "
        "0 means the default",
        10, &hindsight_wait);
    prefs_register_string_preference(
        module, "alert_rate", "Alert rate (percent)",
        "Share of its established connections that a server may reset before it is marked in the "
        "statistics, above 0 and below 100; anything else means the default",
        &alert_rate);
    prefs_register_bool_preference(
        module, "info_column", "Show the verdict in the Info column",
        "Append a short verdict to the Info column of each RST, such as [RST: tls-phase, server]",
        &info_column);
}

/**
 * settings_info_column - whether RSTs show their verdict in the Info column
 */
bool settings_info_column(void)
{
    return info_column;
}

/* The alert rate as a share; 0, the default, for what is none. */
static double chosen_alert_rate(void)
{
    char *end;
    double percent = g_ascii_strtod(alert_rate, &end);

    return end != alert_rate && *end == '\0' && percent > 0 && percent < 100 ? percent / 100 : 0;
}

/**
 * settings_alert_rate - the share of connections reset above which a server is marked
 */
double settings_alert_rate(void)
{
    double chosen = chosen_alert_rate();

    return chosen > 0 ? chosen : WHYRST_ALERT_RATE;
}

/**
 * settings_options - fills @options and @diagnosis_options with what the user has chosen
 */
void settings_options(struct whyrst_options *options,
                      struct whyrst_diagnosis_options *diagnosis_options)
{
    *options = (struct whyrst_options){
        .idle_threshold_ns = idle_threshold * NANOSECONDS,
        .hindsight_wait_ns = hindsight_wait * NANOSECONDS,
    };
    *diagnosis_options = (struct whyrst_diagnosis_options){
        .alert_rate = settings_alert_rate(),
        .live = true,
    };
}
