/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * One row per way into a packet: the headers before an innermost packet that is always the same.
 *
 * Every row has been shown to tshark 4.4, which finds the same segment in it, but for those marked
 * with a "+": there it finds none. Hex is grouped by header; lengths in it count on the innermost packet's size: 44 bytes for
 * IPv4, 64 for IPv6, 24 for bare TCP.
 */
#ifndef UNIT_DECODE_CASES_H
#define UNIT_DECODE_CASES_H

#include <stdint.h>

/** What comes innermost: TCP 1234 > 80, seq 1, ack 2, ACK, 4 bytes of payload; or nothing. */
enum inner { INNER_IPV4, INNER_IPV6, INNER_TCP, INNER_NONE };

/** struct decode_case - @segments expected; @skip counts when there is none */
struct decode_case {
    const char *name;
    uint32_t link_type;
    const char *outer;
    enum inner inner;
    unsigned segments;
    enum whyrst_skip skip;
};

#define MACS    "020000000001 020000000002 "
#define ETH(t)  MACS t " "
#define IP4(total, protocol)                                                                       \
    "45000" total " 00010000 40" protocol "0000 0a000001 0a000002 "
#define IP6(length, next) "60000000 " length next "40 20010db8" ZEROS "01 20010db8" ZEROS "02 "
#define ZEROS             "0000000000000000000000"
#define UDP(port, length) "c000" port length "0000 "
#define WLAN(control)     control "0000 020000000001 020000000002 020000000003 0000 "
#define SNAP              "aaaa03 000000 "

static const struct decode_case decode_cases[] = {
    /* Ethernet and its tags. */
    {"Ethernet IPv4", 1, ETH("0800"), INNER_IPV4, 1, 0},
    {"Ethernet IPv6", 1, ETH("86dd"), INNER_IPV6, 1, 0},
    {"IPv6 under IPv4's EtherType", 1, ETH("0800"), INNER_IPV6, 1, 0},
    {"IPv4 under IPv6's EtherType", 1, ETH("86dd"), INNER_IPV4, 0, WHYRST_SKIP_MALFORMED},
    {"ARP", 1, ETH("0806") "0001", INNER_NONE, 0, WHYRST_SKIP_NOT_IP},
    {"802.3 SNAP", 1, ETH("0034") SNAP "0800", INNER_IPV4, 1, 0},
    {"802.3 SNAP, bridge OUI", 1, ETH("0034") "aaaa03 0000f8 0800", INNER_IPV4, 1, 0},
    {"802.3 LLC IP", 1, ETH("002f") "060603", INNER_IPV4, 1, 0},
    {"802.3 spanning tree", 1, ETH("0003") "424203", INNER_NONE, 0, WHYRST_SKIP_NOT_IP},
    {"802.1Q", 1, ETH("8100") "0064 0800", INNER_IPV4, 1, 0},
    {"802.1Q with LLC", 1, ETH("8100") "0064 0034" SNAP "0800", INNER_IPV4, 1, 0},
    {"802.1ad", 1, ETH("88a8") "0064 8100 0065 86dd", INNER_IPV6, 1, 0},
    {"QinQ 0x9100", 1, ETH("9100") "0064 8100 0065 0800", INNER_IPV4, 1, 0},
    {"802.1ah", 1, ETH("88e7") "00000064" ETH("0800"), INNER_IPV4, 1, 0},
    {"802.1BR", 1, ETH("893f") "000000000000 0800", INNER_IPV4, 1, 0},
    {"VN-Tag", 1, ETH("8926") "00000000 0800", INNER_IPV4, 1, 0},
    {"Cisco MetaData", 1, ETH("8909") "0101 0001 0002 0800", INNER_IPV4, 1, 0},
    {"HSR", 1, ETH("892f") "0034 0001 0800", INNER_IPV4, 1, 0},
    {"MACsec", 1, ETH("88e5") "0c00", INNER_NONE, 0, WHYRST_SKIP_ENCRYPTED},
    {"MPLS", 1, ETH("8847") "00010040 00011140", INNER_IPV4, 1, 0},
    {"MPLS IPv6", 1, ETH("8847") "00010140", INNER_IPV6, 1, 0},
    {"MPLS pseudowire", 1, ETH("8847") "00010140" ETH("0800"), INNER_IPV4, 1, 0},
    {"MPLS pseudowire, control word +", 1, ETH("8847") "00010140 00000000" ETH("0800"), INNER_IPV4,
     1, 0},
    {"PPPoE", 1, ETH("8864") "11000001 002e 0021", INNER_IPV4, 1, 0},
    {"PPPoE discovery", 1, ETH("8863") "11090000 0000", INNER_NONE, 0, WHYRST_SKIP_NOT_IP},

    /* Other link types. */
    {"NULL, little endian", 0, "02000000", INNER_IPV4, 1, 0},
    {"NULL, big endian", 0, "00000002", INNER_IPV4, 1, 0},
    {"NULL, Linux +", 0, "0a000000", INNER_IPV6, 1, 0},
    {"NULL, Windows +", 0, "17000000", INNER_IPV6, 1, 0},
    {"NULL, NetBSD", 0, "18000000", INNER_IPV6, 1, 0},
    {"NULL, FreeBSD", 0, "1c000000", INNER_IPV6, 1, 0},
    {"NULL, Darwin", 0, "1e000000", INNER_IPV6, 1, 0},
    {"LOOP", 108, "00000018", INNER_IPV6, 1, 0},
    {"token ring", 6, "1040" MACS SNAP "0800", INNER_IPV4, 1, 0},
    {"token ring, routed", 6, "1040 020000000001 820000000002 0230" SNAP "0800", INNER_IPV4, 1, 0},
    {"PPP", 9, "0021", INNER_IPV4, 1, 0},
    {"PPP, short protocol", 9, "21", INNER_IPV4, 1, 0},
    {"PPP, HDLC framing", 9, "ff030057", INNER_IPV6, 1, 0},
    {"PPP, MPLS", 9, "ff030281 00010140", INNER_IPV4, 1, 0},
    {"PPP, bridged", 9, "ff030031 0001" ETH("0800"), INNER_IPV4, 1, 0},
    {"FDDI", 10, "50" MACS SNAP "0800", INNER_IPV4, 1, 0},
    {"PPP serial", 50, "ff030021", INNER_IPV4, 1, 0},
    {"PPP serial, cHDLC", 50, "0f000800", INNER_IPV4, 1, 0},
    {"PPPoE without Ethernet", 51, "11000001 002e 0021", INNER_IPV4, 1, 0},
    {"ATM LLC", 100, SNAP "0800", INNER_IPV4, 1, 0},
    {"ATM LLC, bridged", 100, "aaaa03 0080c2 0007 0000" ETH("0800"), INNER_IPV4, 1, 0},
    {"raw", 101, "", INNER_IPV4, 1, 0},
    {"raw IPv6", 101, "", INNER_IPV6, 1, 0},
    {"raw, PPP framing", 101, "ff030021", INNER_IPV4, 1, 0},
    {"raw, ISDN zeros", 101, "00000000000000000000", INNER_IPV4, 1, 0},
    {"cHDLC", 104, "0f000800", INNER_IPV4, 1, 0},
    {"Linux ATM CLIP", 106, "", INNER_IPV4, 1, 0},
    {"frame relay", 107, "1841 03cc", INNER_IPV4, 1, 0},
    {"frame relay SNAP", 107, "1841 0300 80 000000 0800", INNER_IPV4, 1, 0},
    {"frame relay, Cisco", 107, "1841 0800", INNER_IPV4, 1, 0},
    {"ENC", 109, "02000000 00000001 00000000", INNER_IPV4, 1, 0},
    {"SLL", 113, "0000 0001 0006 0200000000010000 0800", INNER_IPV4, 1, 0},
    {"SLL VLAN", 113, "0000 0001 0006 0200000000010000 8100 0064 0800", INNER_IPV4, 1, 0},
    {"SLL LLC", 113, "0000 0001 0006 0200000000010000 0004" SNAP "0800", INNER_IPV4, 1, 0},
    {"IP over Fibre Channel", 122, "1000020000000001 1000020000000002" SNAP "0800", INNER_IPV4, 1,
     0},
    {"SunATM", 123, "02000064" SNAP "0800", INNER_IPV4, 1, 0},
    {"IP over 1394", 138, "0200000000000001 0200000000000002 0800", INNER_IPV4, 1, 0},
    {"PPP with direction", 204, "01 ff030021", INNER_IPV4, 1, 0},
    {"IPv4", 228, "", INNER_IPV4, 1, 0},
    {"IPv6", 229, "", INNER_IPV6, 1, 0},
    {"NFLOG", 239, "02000000 0800 0100 00000000 3000 0900", INNER_IPV4, 1, 0},
    {"NFLOG, big endian +", 239, "02000000 0008 0001 00000000 0030 0009", INNER_IPV4, 1, 0},
    {"IPoIB", 242, ZEROS ZEROS ZEROS "00000000000000 0800 0000", INNER_IPV4, 1, 0},
    {"SLL2", 276, "0800 0000 00000001 0001 00 06 0200000000010000", INNER_IPV4, 1, 0},
    {"unknown link type", 999, "00", INNER_NONE, 0, WHYRST_SKIP_LINK_TYPE},

    /* 802.11 and the headers before it. */
    {"802.11", 105, WLAN("0801") SNAP "0800", INNER_IPV4, 1, 0},
    {"802.11 QoS", 105, WLAN("8802") "0000" SNAP "0800", INNER_IPV4, 1, 0},
    {"802.11 QoS, HT control", 105, WLAN("8882") "0000 00000000" SNAP "0800", INNER_IPV4, 1, 0},
    {"802.11 WDS", 105, WLAN("0803") "020000000004" SNAP "86dd", INNER_IPV6, 1, 0},
    {"802.11 protected", 105, WLAN("0841") "00000000", INNER_NONE, 0, WHYRST_SKIP_ENCRYPTED},
    {"802.11 beacon", 105, WLAN("8000"), INNER_NONE, 0, WHYRST_SKIP_NOT_IP},
    {"802.11 no data", 105, WLAN("4801"), INNER_NONE, 0, WHYRST_SKIP_NOT_IP},
    {"802.11 more fragments", 105, WLAN("0805"), INNER_NONE, 0, WHYRST_SKIP_FRAGMENT},
    {"radiotap", 127, "0000 0800 00000000" WLAN("0801") SNAP "0800", INNER_IPV4, 1, 0},
    {"radiotap, padded header", 127,
     "0000 1100 03000000 0000000000000000 20" WLAN("8801") "0000 0000" SNAP "0800", INNER_IPV4, 1,
     0},
    {"AVS", 163, "80211001 00000040" ZEROS ZEROS ZEROS ZEROS ZEROS "00" WLAN("0801") SNAP "0800",
     INNER_IPV4, 1, 0},
    {"AVS as Prism", 119,
     "80211001 00000040" ZEROS ZEROS ZEROS ZEROS ZEROS "00" WLAN("0801") SNAP "0800", INNER_IPV4, 1,
     0},
    {"Prism", 119,
     "44000000 90000000" ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS
     "00000000" WLAN("0801") SNAP "0800",
     INNER_IPV4, 1, 0},
    {"PPI, 802.11", 192, "0000 0800 69000000" WLAN("0801") SNAP "0800", INNER_IPV4, 1, 0},
    {"PPI, Ethernet", 192, "0000 0800 01000000" ETH("0800"), INNER_IPV4, 1, 0},

    /* IP in IP, extension headers. */
    {"IPv4 in IPv4", 1, ETH("0800") IP4("040", "04"), INNER_IPV4, 1, 0},
    {"IPv6 in IPv4", 1, ETH("0800") IP4("054", "29"), INNER_IPV6, 1, 0},
    {"IPv4 in IPv6", 1, ETH("86dd") IP6("002c", "04"), INNER_IPV4, 1, 0},
    {"IPv6 in IPv6", 1, ETH("86dd") IP6("0040", "29"), INNER_IPV6, 1, 0},
    {"hop-by-hop, destination", 1, ETH("86dd") IP6("0028", "00") "3c00 050200000100 0600 010400000000",
     INNER_TCP, 1, 0},
    {"routing", 1, ETH("86dd") IP6("0030", "2b") "06020200 00000000 20010db8" ZEROS "03", INNER_TCP,
     1, 0},
    {"atomic fragment", 1, ETH("86dd") IP6("0020", "2c") "0600 0000 00000001", INNER_TCP, 1, 0},
    {"shim6", 1, ETH("86dd") IP6("0020", "8c") "0600 8000 00000000", INNER_TCP, 1, 0},
    {"AH", 1, ETH("0800") IP4("044", "33") "06040000 00000001 00000001 000000000000000000000000",
     INNER_TCP, 1, 0},
    {"ESP", 1, ETH("0800") IP4("01c", "32") "00000001 00000001", INNER_NONE, 0,
     WHYRST_SKIP_ENCRYPTED},
    {"EtherIP", 1, ETH("0800") IP4("050", "61") "3000" ETH("0800"), INNER_IPV4, 1, 0},
    {"MPLS in IP", 1, ETH("0800") IP4("044", "89") "00010140", INNER_IPV4, 1, 0},
    {"OSPF", 1, ETH("0800") IP4("014", "59"), INNER_NONE, 0, WHYRST_SKIP_NOT_TCP},

    /* GRE. */
    {"GRE", 1, ETH("0800") IP4("044", "2f") "0000 0800", INNER_IPV4, 1, 0},
    {"GRE, checksum, key, sequence", 1,
     ETH("0800") IP4("050", "2f") "b000 0800 00000000 00000001 00000001", INNER_IPV4, 1, 0},
    {"GRE, routing", 1, ETH("0800") IP4("054", "2f") "4000 0800 00000000 0800 0004 0a000001 00000000",
     INNER_IPV4, 1, 0},
    {"GRE, bridged", 1, ETH("0800") IP4("052", "2f") "0000 6558" ETH("0800"), INNER_IPV4, 1, 0},
    {"GRE, MPLS", 1, ETH("0800") IP4("048", "2f") "0000 8847 00010140", INNER_IPV4, 1, 0},
    {"GRE, PPTP", 1,
     ETH("0800") IP4("054", "2f") "3081 880b 00300001 00000001 00000001 ff030021", INNER_IPV4, 1,
     0},
    {"GRE, ERSPAN I", 1, ETH("0800") IP4("052", "2f") "0000 88be" ETH("0800"), INNER_IPV4, 1, 0},
    {"GRE, ERSPAN II", 1,
     ETH("0800") IP4("05e", "2f") "1000 88be 00000001 1001000100000000" ETH("0800"), INNER_IPV4, 1,
     0},
    {"GRE, ERSPAN III", 1,
     ETH("0800") IP4("062", "2f") "1000 22eb 00000001 200100010000000000000000" ETH("0800"),
     INNER_IPV4, 1, 0},
    {"GRE, ERSPAN III, optional", 1,
     ETH("0800") IP4("06a", "2f") "1000 22eb 00000001 200100010000000000000001 0400000000000000"
     ETH("0800"), INNER_IPV4, 1, 0},
    {"GRE, WCCP 1", 1, ETH("0800") IP4("044", "2f") "0000 883e", INNER_IPV4, 1, 0},
    {"GRE, WCCP 2", 1, ETH("0800") IP4("048", "2f") "0000 883e 00000000", INNER_IPV4, 1, 0},
    {"GRE, Aruba", 1, ETH("0800") IP4("064", "2f") "0000 8200" WLAN("0801") SNAP "0800",
     INNER_IPV4, 1, 0},

    /* Tunnels over UDP. */
    {"VXLAN", 1, ETH("0800") IP4("05e", "11") UDP("12b5", "004a") "0800000000000100" ETH("0800"),
     INNER_IPV4, 1, 0},
    {"VXLAN 8472", 1, ETH("0800") IP4("05e", "11") UDP("2118", "004a") "0800000000000100" ETH("0800"),
     INNER_IPV4, 1, 0},
    {"VXLAN-GPE", 1, ETH("0800") IP4("050", "11") UDP("12b6", "003c") "0c00000100000100",
     INNER_IPV4, 1, 0},
    {"VXLAN-GPE Ethernet", 1, ETH("0800") IP4("05e", "11") UDP("12b6", "004a") "0c00000300000100"
     ETH("0800"), INNER_IPV4, 1, 0},
    {"Geneve", 1, ETH("0800") IP4("05e", "11") UDP("17c1", "004a") "0000655800000100" ETH("0800"),
     INNER_IPV4, 1, 0},
    {"Geneve, options", 1, ETH("0800") IP4("058", "11") UDP("17c1", "0044")
     "0200080000000100 0101800100000000", INNER_IPV4, 1, 0},
    {"GTP-U", 1, ETH("0800") IP4("050", "11") UDP("0868", "003c") "30ff002c00000001", INNER_IPV4, 1,
     0},
    {"GTP-U, extension", 1, ETH("0800") IP4("058", "11") UDP("0868", "0044")
     "34ff003400000001 00000085 01100900", INNER_IPV4, 1, 0},
    {"GTP-U echo", 1, ETH("0800") IP4("024", "11") UDP("0868", "0010") "3201000000000000",
     INNER_NONE, 0, WHYRST_SKIP_NOT_TCP},
    {"Teredo", 1, ETH("0800") IP4("05c", "11") UDP("0dd8", "0048"), INNER_IPV6, 1, 0},
    {"Teredo, authentication, origin", 1, ETH("0800") IP4("071", "11") UDP("0dd8", "005d")
     "0001 0000 0000000000000001 00 0000 ffff ffffffff", INNER_IPV6, 1, 0},
    {"L2TP", 1, ETH("0800") IP4("052", "11") UDP("06a5", "003e") "0002 0001 0001 ff030021",
     INNER_IPV4, 1, 0},
    {"L2TP, all fields", 1, ETH("0800") IP4("05c", "11") UDP("06a5", "0048")
     "4a02 0040 0001 0001 00000000 0002 0000 ff030021", INNER_IPV4, 1, 0},
    {"L2TP control", 1, ETH("0800") IP4("028", "11") UDP("06a5", "0014") "c802000c 00010000 00000000",
     INNER_NONE, 0, WHYRST_SKIP_NOT_TCP},
    {"MPLS over UDP", 1, ETH("0800") IP4("04c", "11") UDP("19eb", "0038") "00010140", INNER_IPV4, 1,
     0},
    {"GRE over UDP", 1, ETH("0800") IP4("04c", "11") UDP("1292", "0038") "0000 0800", INNER_IPV4, 1,
     0},
    {"ESP over UDP", 1, ETH("0800") IP4("024", "11") UDP("1194", "0010") "0000000100000001",
     INNER_NONE, 0, WHYRST_SKIP_ENCRYPTED},
    {"IKE over UDP", 1, ETH("0800") IP4("024", "11") UDP("1194", "0010") "0000000000000001",
     INNER_NONE, 0, WHYRST_SKIP_NOT_TCP},
    {"CAPWAP", 1, ETH("0800") IP4("078", "11") UDP("147f", "0064")
     "00200320 00000000 04bf2300 00000000" "0108" "0000 020000000001 020000000002 020000000003 0000"
     SNAP "0800", INNER_IPV4, 1, 0},
    {"AYIYA", 1, ETH("0800") IP4("094", "11") UDP("13d0", "0080")
     "44 52 11 29 00000000" ZEROS "0000000000" ZEROS "000000000000000000", INNER_IPV6, 1, 0},
    {"DNS", 1, ETH("0800") IP4("01c", "11") UDP("0035", "0008"), INNER_NONE, 0,
     WHYRST_SKIP_NOT_TCP},
};

#endif
