module k8s.io/kubectl

go 1.26.0
