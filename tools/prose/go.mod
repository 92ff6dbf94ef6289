module reprise.dev/reprise/tools/prose

go 1.26.0

