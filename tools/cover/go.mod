module reprise.dev/reprise/tools/cover

go 1.26.0
