module example.org/gofer-pipeline

go 1.19
