"""Pictures and page of how far circuits spread, from what `drai_hw.spice.spread` measured."""
