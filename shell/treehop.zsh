# treehop for zsh
