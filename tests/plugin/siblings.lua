-- SPDX-License-Identifier: GPL-2.0-or-later
-- Makes frames with several TCP layers: IP packets one after the other in UDP port 9998 (layers side
-- by side), and an IP packet in TCP port 9999 (one inside the other).
local ip = Dissector.get("ip")
local packets = Proto("ip_packets", "IP packets in a row")

function packets.dissector(buffer, pinfo, tree)
    local offset = 0
    while offset < buffer:len() do
        local length = buffer(offset + 2, 2):uint()
        ip:call(buffer(offset, length):tvb(), pinfo, tree)
        offset = offset + length
    end
    return offset
end

DissectorTable.get("udp.port"):add(9998, packets)
DissectorTable.get("tcp.port"):add(9999, ip)
