"""The probe: asks addresses again and again whether and who they are, and gives bounds for each outage it saw.

`Prober(targets, interval_s)` is all of it: start(), live(), stop() -> Findings. All its times are seconds of
time.monotonic(), so they can be laid beside the events of the control plane. Only the standard library is used.
"""
