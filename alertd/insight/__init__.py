"""What the same rules say of other days: ahead (forecast) and back (backtest)."""
