"""Reaching a goal safely, whatever is switched: a run is a fold over its events. Knows no resource type."""
