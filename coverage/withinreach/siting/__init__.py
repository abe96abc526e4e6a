"""Result -> Plan: where next, and how far from the best that may be."""
