"""How a swap is measured and what the measurement does not cover, in words for a report."""

from __future__ import annotations

MEASURED = (
    "Each address is asked again and again by a new connection, at moments that are fixed beforehand and do not wait "
    "for earlier answers. A sample shows how the address was at one instant between its sending and its end; which "
    "instant is not known, and that is where the bounds come from.",
    "Lower bound: the address was down at an instant of every failed sample, so at least from the end of the failed "
    "sample that ended first until the last one was sent.",
    "Upper bound: the outage lies between the last good sample before it and the first good one after it, so it is no "
    "longer than from sending the one to the end of the other.",
    "Estimate: from sending the first failed sample to sending the first good one after the last, within the bounds.",
    "Two failures are two outages only if a good sample certainly lies between them. Outages of one swap are added up.",
    "Where samples of our own came late or not at all nothing is known: such a time is marked, counts for no lower "
    "bound and is left in the upper one. A listener on the measuring machine itself tells its stalls from outages.",
    "Without a failed sample the outage is 0, and at most as long as could have been hidden between two good samples.",
    "An address that is still down at the end has an outage of “at least”: it counts for the median, not for the mean.",
    "Control plane: from sending the write that takes the address off until ARM says Succeeded for the one that "
    "attaches it. Lag: from then until the address has answered, at the latest; below zero it answered before.",
    "How many swaps was fixed beforehand. They come in blocks of each strategy, there and back, in an order that the "
    "seed draws. The first swaps warm up and are in no figure. A swap counts if both addresses gave thirty good "
    "samples in a row before it and after it; otherwise it is listed with the reason, and repeated at the end.",
    "The interval of a median comes from order statistics, that of a difference from Wilcoxon's signed ranks over "
    "pairs of one block and one direction (the difference itself is Hodges and Lehmann's). Beside each stands how "
    "often such an interval covers the true value. Outliers are named and never left out.",
    "Every figure can be computed again from the samples, which are kept beside this page.",
)

NOT_COVERED = (
    "Connections that were open before the swap: they may be reset, or hang silently. vipswap probe --hold shows it.",
    "UDP, ICMP, and TCP ports other than the one that was asked.",
    "Other places: another zone, network or region, and the other address family. It was measured from one place.",
    "Connections that the machines behind the load balancers open to the outside, whose address changes.",
    "Whether the application works: only that it answered, and who did.",
    "DNS: a static address stays the same, so no TTL matters; an address with Dynamic allocation may change.",
    "Other days and other loads: these are the swaps that are listed, and no others.",
)
