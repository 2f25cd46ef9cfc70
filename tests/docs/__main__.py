"""The figures of the pages: how many command lines and Python blocks there are, how many are run, and why not."""

from __future__ import annotations

from tests.docs.pages import PAGES, ROOT, RUN, Block, read


def main() -> None:
    """Print a row for each page, and each reason."""
    print(f"{'page':<24}{'commands':>9}{'Python':>8}{'not run':>9}")
    totals, reasons = [0, 0, 0], []
    for page in PAGES:
        blocks = [block for block in read(page) if block.language in RUN]
        left = [block for block in blocks if "not run" in block.markers]
        row = [_units(blocks, python=False), _units(blocks, python=True), sum(block.units for block in left)]
        totals = [total + one for total, one in zip(totals, row, strict=True)]
        name = str(page.relative_to(ROOT))
        print(f"{name:<24}{row[0]:>9}{row[1]:>8}{row[2]:>9}")
        reasons += [f"{name}:{block.line} ({block.units}): {block.markers['not run']}" for block in left]
    print(f"{'all':<24}{totals[0]:>9}{totals[1]:>8}{totals[2]:>9}")
    print("\n".join(reasons))


def _units(blocks: list[Block], *, python: bool) -> int:
    return sum(block.units for block in blocks if (block.language == "python") is python)


if __name__ == "__main__":
    main()
