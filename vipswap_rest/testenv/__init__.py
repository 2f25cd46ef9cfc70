"""The article's test environment, as it can be had today, by one deployment: made, shown, and deleted."""
