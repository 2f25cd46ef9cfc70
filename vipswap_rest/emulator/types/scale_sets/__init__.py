"""Virtual machine scale sets: `model` is what ARM shows of one, `upgrades` how its instances come to have it."""
