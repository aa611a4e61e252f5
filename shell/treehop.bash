# treehop for bash
