// Package manifests proves what deploy/kubernetes and deploy/compose say: that it is
// what Kubernetes and Compose understand, that its parts fit together, and that the
// program itself runs with the configurations in it. No cluster and no container
// takes part.
//
// There is no code here but tests. It is in the module of tools as Kubernetes's types
// must not become dependencies of popgate. Start with bundle_test.go.
package manifests
