"""The front door: REST from contracts, the web application, health. No line here names a service."""
