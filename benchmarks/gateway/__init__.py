"""The gateway beside a plain gateway, a bare echo and the gRPC call itself."""
