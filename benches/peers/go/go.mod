module github.com/solidserver-operator/solidserver-operator/benches/peers/go

go 1.23

require github.com/efficientip-labs/solidserver-go-client v1.8.4-1

require (
	golang.org/x/crypto v0.28.0 // indirect
	golang.org/x/sys v0.26.0 // indirect
)
