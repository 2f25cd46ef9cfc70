"""Pictures of what was measured: one swap over time, and many swaps side by side; as SVG or PNG.

    check_picture(path)                      before anything is done: can it be drawn and written there?
    write_picture(timeline(recording), path)
    write_picture(distribution(points, middles), path)

They need matplotlib (the extra `plot`), which is imported when the first one is drawn. No display is
needed, and the same figures give the same file, byte by byte.
"""

from vipswap_rest.measure.pictures.canvas import as_svg, check_picture, write_picture
from vipswap_rest.measure.pictures.distribution import distribution
from vipswap_rest.measure.pictures.timeline import timeline

__all__ = ["as_svg", "check_picture", "distribution", "timeline", "write_picture"]
