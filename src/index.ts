// The library (CONTRACT 5). Everything a program that embeds previrt may use is exported here.
export {}
