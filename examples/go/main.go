// A pipeline in Go: any program that prints a manifest will do. Only the standard library is used.
package main

import (
	"encoding/json"
	"log"
	"os"
)

// Manifest and the types below hold what this example needs; docs/manifest.md tells all fields.
type Manifest struct {
	SchemaVersion int    `json:"schema_version"`
	ID            string `json:"id"`
	Name          string `json:"name"`
	Description   string `json:"description"`
	Tasks         []Task `json:"tasks"`
}

type Task struct {
	ID        string            `json:"id"`
	Image     string            `json:"image"`
	Command   []string          `json:"command"`
	Variables map[string]string `json:"variables,omitempty"`
	DependsOn []Dependency      `json:"depends_on,omitempty"`
}

type Dependency struct {
	Task string `json:"task"`
	When string `json:"when"`
}

func main() {
	languages := []string{"go", "rust", "python"}
	say := Task{ID: "say", Image: "busybox:stable", Command: []string{"echo", "Written in Go"}}
	tasks := []Task{say}
	for _, language := range languages {
		tasks = append(tasks, Task{
			ID:        "also-" + language,
			Image:     "busybox:stable",
			Command:   []string{"sh", "-c", "echo \"and $LANGUAGE would do as well\""},
			Variables: map[string]string{"LANGUAGE": language},
			DependsOn: []Dependency{{Task: say.ID, When: "successful"}},
		})
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(Manifest{
		SchemaVersion: 1,
		ID:            "go",
		Name:          "Go",
		Description:   "One task, then three side by side, written in Go.",
		Tasks:         tasks,
	}); err != nil {
		log.Fatal(err)
	}
}
