"""Images, audio, video and files that people upload: judged by their content, kept in a store, served by signed addresses."""
