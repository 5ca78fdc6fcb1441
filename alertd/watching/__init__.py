"""How others see that alertd works: metrics, heartbeats, and what systemd is told. It decides nothing."""
