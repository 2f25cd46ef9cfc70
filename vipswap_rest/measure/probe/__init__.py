"""The probe: samples addresses at fixed moments, and gives bounds for each outage it observed.

`Prober(targets, interval_s)` is all of it: start(), live(), stop() -> Findings. All its times are seconds of
time.monotonic(), so they can be laid beside the events of the control plane. Only the standard library is used.
"""
