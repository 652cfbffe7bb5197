"""What the service is called in documents and code, and where its pages stand on a city's site."""

SERVICE = "traffic_tickets"
ROOT = "/services/traffic-tickets"
SETTLED_IN_TIME = f"{SERVICE}.settled_in_time"
