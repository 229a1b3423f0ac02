"""Alert rules and the board as tables, of which deploy/prometheus and deploy/grafana are made."""
